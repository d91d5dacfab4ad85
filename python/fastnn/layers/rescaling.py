"""Rescaling: pixels from 0..255 to 0..1, and the like."""

from __future__ import annotations

from fastnn import ops
from fastnn.utils.arguments import check_number

from .layer import Layer
from .registry import register


@register
class Rescaling(Layer):
    """x * scale + offset.

    Raises:
        ValueError: `scale` or `offset` is no number.
    """

    def __init__(self, scale: float, offset: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = check_number("Rescaling", "scale", scale)
        self.offset = check_number("Rescaling", "offset", offset)

    def call(self, x, training=False):
        return ops.affine(x, scale=self.scale, shift=self.offset)

    def get_config(self):
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}
