"""What the peers of `gemm.py` share: the operands, and what a call is."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from protocol import serve
from threads import spread


class Product(NamedTuple):
    """C[m, n] = A B. Forms: nn A[m, k] B[k, n]; nt A[m, k] B[n, k]; tn A[k, m] B[k, n]."""

    form: str
    a: np.ndarray
    b: np.ndarray
    c: np.ndarray

    def straight(self) -> tuple[np.ndarray, np.ndarray]:
        """Views of A and B with shapes [m, k] and [k, n]."""
        return self.a.T if self.form == "tn" else self.a, self.b.T if self.form == "nt" else self.b


class Call:
    """Makes C, once or many times; the mean of |C| shows that all did the same work."""

    def __init__(self, product: Product, many: Callable[[int], None]) -> None:
        self.many = many
        self.result = getattr(many, "result", lambda: product.c)

    def __call__(self) -> dict:
        self.many(1)
        return {"mean": float(np.abs(self.result()).mean(dtype=np.float64))}


def product_of(case: str) -> Product:
    """The operands of "m n k form", every element of A and B in [-1/2, 1/2) and none of them 0."""
    *sizes, form = case.split()
    m, n, k = map(int, sizes)
    random = np.random.default_rng(m + n + k)
    a = aligned((k, m) if form == "tn" else (m, k))
    b = aligned((n, k) if form == "nt" else (k, n))
    for x in (a, b):
        random.random(out=x, dtype=np.float32)
        x -= np.float32(0.5)
        x[x == 0] = 0.25
    return Product(form, a, b, aligned((m, n)))


def aligned(shape: tuple[int, int]) -> np.ndarray:
    """Starts on a cache line, for all peers alike: NumPy alone does not see to that."""
    size = shape[0] * shape[1]
    memory = np.empty(size + 16, np.float32)
    start = -memory.ctypes.data % 64 // 4
    return memory[start : start + size].reshape(shape)


def work(
    many: Callable[[Product], Callable[[int], None]],
    versions: dict[str, str],
    chosen: SimpleNamespace,
) -> None:
    """`many(product)` gives a function that does the product so many times."""

    def prepare(case: str) -> Call:
        product = product_of(case)
        return Call(product, many(product))

    warm = prepare("256 256 256 nn")
    spread(lambda: warm.many(1), chosen.threads)
    serve(prepare, versions, chosen.threads)
