"""Reshape: each row takes another shape."""

from __future__ import annotations

import math

import numpy as np

from fastnn import ops

from .layer import Layer
from .registry import register


@register
class Reshape(Layer):
    """(batch, ...) -> (batch, *target_shape); one size may be -1 and follows from the others.

    Raises:
        ValueError: two sizes are -1, a size is no whole number, or the number of values differs.
    """

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        sizes = tuple(target_shape) if hasattr(target_shape, "__iter__") else (target_shape,)
        if not all(isinstance(d, int | np.integer) and d >= -1 for d in sizes):
            raise ValueError(
                f"Reshape: sizes must be whole numbers, one of them may be -1. "
                f"Received: target_shape={target_shape!r}"
            )
        if sizes.count(-1) > 1:
            raise ValueError(
                f"Reshape: only one size may be -1. Received: target_shape={target_shape!r}"
            )
        self.target_shape = tuple(int(d) for d in sizes)

    def call(self, x, training=False):
        return ops.reshape(x, shape=self.compute_output_shape(x.shape))

    def compute_output_shape(self, input_shape):
        batch, *rest = input_shape
        if None in rest:
            return (batch, *(None if d == -1 else d for d in self.target_shape))
        total, known = math.prod(rest), math.prod(d for d in self.target_shape if d != -1)
        free = -1 in self.target_shape
        if total != known and not (free and known and total % known == 0):
            raise ValueError(
                f"Layer {self.name!r}: rows of shape {tuple(rest)} ({total} values) cannot take "
                f"the shape {self.target_shape}."
            )
        return (batch, *(total // known if d == -1 else d for d in self.target_shape))

    def get_config(self):
        return {**super().get_config(), "target_shape": self.target_shape}
