"""Flatten: each row becomes a vector."""

from __future__ import annotations

import math

from fastnn import ops

from .layer import Layer
from .registry import register


@register
class Flatten(Layer):
    """(batch, ...) -> (batch, product of the rest); (batch,) -> (batch, 1).

    Raises:
        ValueError: `data_format` is "channels_first", which fastnn does not support.
    """

    def __init__(self, data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        if data_format not in (None, "channels_last"):
            raise ValueError(
                f"Flatten(data_format={data_format!r}) is not supported by fastnn; "
                "only 'channels_last' is."
            )
        self.data_format = "channels_last"

    def call(self, x, training=False):
        return ops.reshape(x, shape=self.compute_output_shape(x.shape))

    def compute_output_shape(self, input_shape):
        batch, *rest = input_shape
        return (batch, None if None in rest else math.prod(rest))

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}
