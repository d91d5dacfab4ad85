"""PyTorch: fused Adam, minibatches by `index_select`; eager, or forward and backward compiled."""

from __future__ import annotations

from protocol import options, serve
from task import task_of, telling

chosen = options()

import torch  # noqa: E402  (after the options have bound the process to its CPUs)
from torch import nn  # noqa: E402

torch.set_num_threads(chosen.threads)
torch.manual_seed(chosen.seed)


def prepare(case: str):
    task = task_of(case, chosen)
    layers = []
    for m, n in zip(task.sizes[:-1], task.sizes[1:], strict=True):
        layers += [nn.Linear(m, n), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), task.weights, strict=True):
            parameter.copy_(torch.from_numpy(value.T))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True)
    x, y = torch.from_numpy(task.x), torch.from_numpy(task.y).long()

    def loss_of(rows):
        with torch.autocast("cpu", torch.bfloat16, enabled="bf16" in chosen.mode):
            logits = model(x.index_select(0, rows))
        return nn.functional.cross_entropy(logits.float(), y.index_select(0, rows))

    if "compiled" in chosen.mode:
        loss_of = torch.compile(loss_of, dynamic=False)

    def epoch() -> float:
        losses = []
        for rows in torch.randperm(len(x)).split(task.batch):
            loss = loss_of(rows)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses).mean().item()

    return telling(epoch)


serve(prepare, {"torch": torch.__version__}, torch.get_num_threads())
