"""NumPy with the OpenBLAS of its wheel."""

from __future__ import annotations

import os

from protocol import options

chosen = options()
os.environ["OPENBLAS_NUM_THREADS"] = str(chosen.threads)
if chosen.mode != "openblas":
    os.environ["OPENBLAS_CORETYPE"] = chosen.mode  # the kernels of that CPU

import numpy as np  # noqa: E402  (OpenBLAS reads its environment when it is loaded)
from product import Product, work  # noqa: E402


def many(product: Product):
    (a, b), c = product.straight(), product.c

    def call(count: int) -> None:
        for _ in range(count):
            np.matmul(a, b, out=c)

    return call


blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
work(many, {"numpy": f"{np.__version__} ({blas['name']} {blas['version']})"}, chosen)
