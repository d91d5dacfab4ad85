"""ELU: the exponential linear unit."""

from __future__ import annotations

from fastnn import activations
from fastnn.utils.arguments import check_number

from .layer import Layer
from .registry import register


@register
class ELU(Layer):
    """x where x > 0, alpha * (e^x - 1) elsewhere.

    Raises:
        ValueError: `alpha` is no number.
    """

    def __init__(self, alpha: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = check_number("ELU", "alpha", alpha)

    def call(self, x, training=False):
        return activations.elu(x, self.alpha)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha}
