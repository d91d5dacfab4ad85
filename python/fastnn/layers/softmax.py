"""Softmax as a layer of its own."""

from __future__ import annotations

from fastnn import activations

from .layer import Layer
from .registry import register


@register
class Softmax(Layer):
    """e^x divided by its sum along `axis`.

    Raises:
        ValueError: `axis` is not one whole number.
    """

    def __init__(self, axis: int = -1, **kwargs):
        super().__init__(**kwargs)
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise ValueError(
                f"Softmax(axis={axis!r}) is not supported by fastnn: `axis` must be one int."
            )
        self.axis = axis

    def call(self, x, training=False):
        return activations.softmax(x, self.axis)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}
