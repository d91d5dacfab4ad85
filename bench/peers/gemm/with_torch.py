"""PyTorch, whose float32 products are MKL's, and those of bf16 tensors oneDNN's."""

from __future__ import annotations

from protocol import options

chosen = options()

import torch  # noqa: E402  (after the options have bound the process to its CPUs)
from product import Product, work  # noqa: E402

torch.set_num_threads(chosen.threads)


def many(product: Product):
    a, b = map(torch.from_numpy, product.straight())
    c = torch.from_numpy(product.c)
    if chosen.mode == "bf16":
        a, b, c = (x.to(torch.bfloat16) for x in (a, b, c))

    def call(count: int) -> None:
        for _ in range(count):
            torch.mm(a, b, out=c)

    call.result = lambda: c.float().numpy()
    return call


mkl = torch.__config__.show().partition("Math Kernel Library Version ")[2].partition("-")[0]
work(many, {"torch": f"{torch.__version__} (MKL {mkl})"}, chosen)
