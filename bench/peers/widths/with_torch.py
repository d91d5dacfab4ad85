"""PyTorch, eager, with fused Adam: "one" is `set_num_threads(1)`."""

from __future__ import annotations

from protocol import options, serve

chosen = options()

import torch  # noqa: E402
from task import task_of  # noqa: E402  (after the process is bound to its CPUs)
from torch import nn  # noqa: E402

torch.set_num_threads(1 if chosen.mode == "one" else chosen.threads)
torch.manual_seed(chosen.seed)


def prepare(case: str):
    task = task_of(case)
    w = task.width
    model = nn.Sequential(nn.Linear(w, w), nn.ReLU(), nn.Linear(w, w), nn.ReLU(), nn.Linear(w, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True)
    xs = torch.from_numpy(task.x).split(task.batch)
    ys = torch.from_numpy(task.y).long().split(task.batch)

    def train():
        for x, y in zip(xs, ys, strict=True):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    def predict():
        with torch.inference_mode():
            for x in xs:
                model(x)

    return {"train": train, "predict": predict}[task.kind]


serve(prepare, {"torch": torch.__version__}, chosen.threads)
