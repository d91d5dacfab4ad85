"""What the peers of `cuda.py` share: a product's operands, and what a call tells."""

from __future__ import annotations

import numpy as np


def operands(case: str) -> tuple[str, np.ndarray, np.ndarray, tuple[int, int]]:
    """(form, A, B, shape of C) of "m n k form". Forms: nn A[m, k] B[k, n]; nt A[m, k] B[n, k];
    tn A[k, m] B[k, n]. Elements in [-1/2, 1/2)."""
    *sizes, form = case.split()
    m, n, k = map(int, sizes)
    random = np.random.default_rng(m + n + k)
    a = random.random((k, m) if form == "tn" else (m, k), np.float32) - np.float32(0.5)
    b = random.random((n, k) if form == "nt" else (k, n), np.float32) - np.float32(0.5)
    return form, a, b, (m, n)


class Call:
    """Makes C so many times, and waits; the mean of |C| shows that all did the same work."""

    def __init__(self, many, result):
        self.many, self.result = many, result

    def __call__(self) -> dict:
        self.many(1)
        return {"mean": float(np.abs(self.result()).mean(dtype=np.float64))}
