"""LeakyReLU: a rectifier that lets a little of the negative side through."""

from __future__ import annotations

from fastnn import activations
from fastnn.utils.arguments import check_number

from .layer import Layer
from .registry import register


@register
class LeakyReLU(Layer):
    """x where x > 0, negative_slope * x elsewhere.

    The layer's default slope is 0.3, that of the activation named "leaky_relu" is 0.2, as in Keras.
    `alpha` is the slope's old name.

    Raises:
        ValueError: the slope is negative or no number.
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs):
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        self.negative_slope = check_number("LeakyReLU", "negative_slope", negative_slope, low=0)

    def call(self, x, training=False):
        return activations.leaky_relu(x, self.negative_slope)

    def get_config(self):
        return {**super().get_config(), "negative_slope": self.negative_slope}
