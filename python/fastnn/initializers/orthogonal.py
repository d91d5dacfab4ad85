"""Orthogonal initial values."""

from __future__ import annotations

import math

import numpy as np

from fastnn.utils.arguments import check_number

from .initializer import as_array, registry
from .random import RandomInitializer


class Orthogonal(RandomInitializer):
    """`gain` times a matrix with orthonormal rows or columns. (Saxe et al., 2013)

    Weights of more than two axes are seen as a matrix of (all but the last) x last.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        super().__init__(seed)
        self.gain = check_number("Orthogonal", "gain", gain)

    def __call__(self, shape, dtype=None):
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: at least two axes are due. Received: shape={shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        square = self.generator().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(square)
        q *= np.sign(np.diag(r))  # makes the distribution uniform over orthogonal matrices
        if rows < columns:
            q = q.T
        return as_array(self.gain * q.reshape(shape), dtype)

    def get_config(self):
        return {"gain": self.gain, **super().get_config()}


registry.add(Orthogonal, "OrthogonalInitializer")
