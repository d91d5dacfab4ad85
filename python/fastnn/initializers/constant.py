"""Initial values that nothing is drawn for."""

from __future__ import annotations

import numpy as np

from fastnn.utils.arguments import check_number

from .initializer import Initializer, as_array, register, registry


class Zeros(Initializer):
    """All 0."""

    def __call__(self, shape, dtype=None):
        return np.zeros(shape, dtype or np.float32)


registry.add(Zeros, "zero")


class Ones(Initializer):
    """All 1."""

    def __call__(self, shape, dtype=None):
        return np.ones(shape, dtype or np.float32)


registry.add(Ones, "one")


@register
class Constant(Initializer):
    """All `value`: a number, or an array (or nested lists) of the weight's shape."""

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        if np.ndim(self.value) and np.shape(self.value) != tuple(shape):
            raise ValueError(
                f"Constant: values of shape {np.shape(self.value)} for a weight of shape {shape}."
            )
        return as_array(np.broadcast_to(self.value, shape), dtype).copy()

    def get_config(self):
        value = self.value
        return {"value": value.tolist() if isinstance(value, np.ndarray) else value}


class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere."""

    def __init__(self, gain: float = 1.0):
        self.gain = check_number("Identity", "gain", gain)

    def __call__(self, shape, dtype=None):
        if len(shape) != 2:
            raise ValueError(f"Identity: the weight must be a matrix. Received: shape={shape}")
        return as_array(self.gain * np.eye(*shape), dtype)

    def get_config(self):
        return {"gain": self.gain}


registry.add(Identity, "IdentityInitializer")
