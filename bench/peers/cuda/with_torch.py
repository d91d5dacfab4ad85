"""PyTorch on the GPU: `torch.mm`, and steps of eager modules with fused Adam, the data resident.

"... graph": the same step, captured once as a CUDA graph and replayed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from protocol import Skipped, options, serve

chosen = options()
sys.path.append(str(Path(__file__).resolve().parent.parent / "step"))

import torch  # noqa: E402  (after the options have bound the process to its CPUs)
from operands import Call, operands  # noqa: E402
from task import task_of, telling  # noqa: E402
from torch import nn  # noqa: E402

factors, _, graph = chosen.mode.partition(" ")
torch.backends.cuda.matmul.allow_tf32 = factors == "tf32"
bf16 = factors == "bf16"


def product(case: str) -> Call:
    if graph:
        raise Skipped("a product is one launch already")
    form, a, b, shape = operands(case)
    dtype = torch.bfloat16 if bf16 else torch.float32
    a, b = (torch.from_numpy(x).cuda().to(dtype) for x in (a, b))
    a, b = a.T if form == "tn" else a, b.T if form == "nt" else b
    c = torch.empty(shape, dtype=dtype, device="cuda")

    def many(count: int) -> None:
        for _ in range(count):
            torch.mm(a, b, out=c)
        torch.cuda.synchronize()

    return Call(many, lambda: c.float().cpu().numpy())


def step(case: str):
    task = task_of(case, chosen)
    layers = []
    for m, n in zip(task.sizes[:-1], task.sizes[1:], strict=True):
        layers += [nn.Linear(m, n), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), task.weights, strict=True):
            parameter.copy_(torch.from_numpy(value.T))
    model.cuda()
    optimizer = torch.optim.Adam(
        model.parameters(), lr=1e-3, eps=1e-7, fused=True, capturable=bool(graph)
    )
    x, y = torch.from_numpy(task.x).cuda(), torch.from_numpy(task.y).long().cuda()
    total = torch.zeros((), device="cuda")  # of an epoch's losses

    def once(rows: torch.Tensor) -> None:
        with torch.autocast("cuda", torch.bfloat16, enabled=bf16):
            logits = model(x.index_select(0, rows))
        loss = nn.functional.cross_entropy(logits.float(), y.index_select(0, rows))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total.add_(loss.detach())

    run = Replayed(once, model, optimizer, task.batch) if graph else once

    def epoch() -> float:
        total.zero_()
        batches = torch.randperm(len(x), device="cuda").split(task.batch)
        for rows in batches:
            run(rows)
        return total.item() / len(batches)

    return telling(epoch)


class Replayed:
    """`once(rows)` as a graph. Its warm-up has trained: what it changed is put back."""

    def __init__(self, once, model, optimizer, batch: int):
        self.once = once  # has the data that the graph reads
        before = [p.detach().clone() for p in model.parameters()]
        self.rows = torch.zeros(batch, dtype=torch.int64, device="cuda")
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                once(self.rows)
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            once(self.rows)
        with torch.no_grad():
            for parameter, value in zip(model.parameters(), before, strict=True):
                parameter.copy_(value)
                for slot in optimizer.state[parameter].values():
                    slot.zero_()

    def __call__(self, rows: torch.Tensor) -> None:
        self.rows.copy_(rows)
        self.graph.replay()


def prepare(case: str):
    kind, _, rest = case.partition(" ")
    return product(rest) if kind == "product" else step(rest)


serve(prepare, {"torch": f"{torch.__version__} ({torch.cuda.get_device_name()})"}, chosen.threads)
