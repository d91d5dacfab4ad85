"""PyTorch: fused optimizers."""

from __future__ import annotations

from protocol import options, serve

chosen = options()

import torch  # noqa: E402  (after the process is bound to its CPUs)
from threads import spread  # noqa: E402

torch.set_num_threads(chosen.threads)
torch.manual_seed(chosen.seed)
MAKE = {
    "adam": lambda w: torch.optim.Adam(w, lr=1e-3, eps=1e-7, fused=True),
    "adamw": lambda w: torch.optim.AdamW(w, lr=1e-3, eps=1e-7, weight_decay=0.01, fused=True),
    "momentum": lambda w: torch.optim.SGD(w, lr=1e-3, momentum=0.9, fused=True),
    "sgd": lambda w: torch.optim.SGD(w, lr=1e-3, fused=True),
}


def prepare(case: str):
    name, size = case.split()
    values = torch.randn(int(size))
    if name == "copy":
        out = torch.empty_like(values)
        return lambda: out.copy_(values)
    w = torch.nn.Parameter(values)
    w.grad = torch.randn(int(size))
    return MAKE[name]([w]).step


spread(prepare("copy 10000000"), chosen.threads)
serve(prepare, {"torch": torch.__version__}, chosen.threads)
