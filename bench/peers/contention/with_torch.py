"""PyTorch: eager, with fused Adam, minibatches by `index_select`."""

from __future__ import annotations

from protocol import options

chosen = options()

import torch  # noqa: E402  (after the process is bound to its CPUs)
from rivals import data, work  # noqa: E402
from torch import nn  # noqa: E402

torch.set_num_threads(chosen.threads)
torch.manual_seed(chosen.seed)
x, y = map(torch.from_numpy, data(chosen.steps["torch"]))
y = y.long()
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True)


def train() -> None:
    for rows in torch.randperm(len(x)).split(128):
        loss = nn.functional.cross_entropy(model(x.index_select(0, rows)), y.index_select(0, rows))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


work(train, "torch", {"torch": torch.__version__}, chosen)
