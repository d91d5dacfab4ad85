"""Adam: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

import numpy as np

from fastnn import ops
from fastnn.utils.arguments import check_number

from .optimizer import Optimizer, Rate
from .registry import register


@register
class Adam(Optimizer):
    """m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2); p -= rate_t * m / (sqrt(v) + epsilon),
    where rate_t = rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) in step t = 1, 2, ...
    (Kingma & Ba, 2014; epsilon stands where section 2 ends: after the correction is drawn into the
    rate.)

    Args:
        amsgrad: take the largest v so far. (Reddi et al., 2018)
        bias_correction: False makes rate_t the rate itself. Keras has no such argument.

    Raises:
        ValueError: a beta is not in [0, 1); see also `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        *,
        bias_correction: bool = True,
        **common,
    ):
        super().__init__(learning_rate, weight_decay, **common)
        self.beta_1 = check_beta(self, "beta_1", beta_1)
        self.beta_2 = check_beta(self, "beta_2", beta_2)
        self.epsilon = check_number(type(self).__name__, "epsilon", epsilon, low=0)
        self.amsgrad = bool(amsgrad)
        self.bias_correction = bool(bias_correction)

    @property
    def slot_names(self):
        names = ("momentum", "velocity")
        return (*names, "velocity_hat") if self.amsgrad else names

    def columns(self, rate, t):
        if not self.bias_correction:
            return [rate]
        return [rate * np.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)]

    def emit_update(self, parameter, gradient, slots, factor, **common):
        ops.adam(
            parameter, gradient, slots["momentum"], slots["velocity"], slots.get("velocity_hat"),
            factor, beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon, **common,
        )  # fmt: skip

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
            "bias_correction": self.bias_correction,
        }


def check_beta(optimizer: Optimizer, name: str, value) -> float:
    """A share in [0, 1): at 1 the mean would never move. Raises ValueError."""
    value = check_number(type(optimizer).__name__, name, value, low=0, high=1)
    if value == 1:
        raise ValueError(f"{type(optimizer).__name__}: `{name}` must be smaller than 1.")
    return value
