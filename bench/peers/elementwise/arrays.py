"""What the peers of `elementwise.py` share: the operands."""

from __future__ import annotations

import numpy as np

COLUMNS = 100  # of the matrix that softmax takes row by row


def operands(case: str) -> tuple[str, list[np.ndarray], np.ndarray]:
    """(op, inputs, output) of "relu_grad 100000": a gradient's inputs are dy, then what it needs.

    All are [rows, 100] for softmax, else flat; softmax_grad gets a y whose rows sum to 1.
    """
    op, size = case.split()
    random = np.random.default_rng(1)
    shape = (int(size) // COLUMNS, COLUMNS) if "softmax" in op else (int(size),)
    x, dy = random.normal(size=(2, *shape)).astype(np.float32)
    if op == "softmax_grad":
        x = np.exp(x)
        x /= x.sum(axis=1, keepdims=True)
    binary = op == "add" or op.endswith("_grad")
    return op, [dy, x] if binary else [x], np.empty(shape, np.float32)
