"""The founding network in eager PyTorch: data resident as tensors, fused Adam."""

from __future__ import annotations

from data import mnist
from protocol import options, serve

chosen = options()

import torch  # noqa: E402  (after the options have bound the process to its CPUs)
from torch import nn  # noqa: E402

torch.set_num_threads(chosen.threads)
torch.manual_seed(chosen.seed)
x_train, y_train, x_test, y_test = map(torch.from_numpy, mnist(chosen))
y_train, y_test = y_train.long(), y_test.long()

model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
for layer in (model[0], model[2]):  # Keras' initial weights
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True)
cross_entropy = nn.functional.cross_entropy


def epoch() -> dict[str, float]:
    losses, counts = [], []
    for rows in torch.randperm(len(x_train)).split(chosen.batch):
        loss = cross_entropy(model(x_train.index_select(0, rows)), y_train.index_select(0, rows))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        counts.append(len(rows))
    total = torch.stack(losses).dot(torch.tensor(counts).float()).item()
    return {"loss": total / len(x_train)}


def finish() -> dict[str, float]:
    with torch.inference_mode():
        return {"test_accuracy": (model(x_test).argmax(1) == y_test).float().mean().item()}


serve(lambda case: epoch, {"torch": torch.__version__}, torch.get_num_threads(), finish)
