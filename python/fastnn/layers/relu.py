"""ReLU, the rectifier, with its variants."""

from __future__ import annotations

from fastnn import activations
from fastnn.utils.arguments import check_number

from .layer import Layer
from .registry import register


@register
class ReLU(Layer):
    """x above `threshold`, at most `max_value`; negative_slope * (x - threshold) below.

    Raises:
        ValueError: an argument is negative or no number.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if max_value is not None:
            max_value = check_number("ReLU", "max_value", max_value, low=0)
        self.max_value = max_value
        self.negative_slope = check_number("ReLU", "negative_slope", negative_slope, low=0)
        self.threshold = check_number("ReLU", "threshold", threshold, low=0)

    def call(self, x, training=False):
        return activations.relu(x, self.negative_slope, self.max_value, self.threshold)

    def get_config(self):
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }
