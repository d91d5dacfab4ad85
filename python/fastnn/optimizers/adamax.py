"""Adamax: Adam with the largest gradient in place of the mean square."""

from __future__ import annotations

from fastnn import ops
from fastnn.utils.arguments import check_number

from .adam import check_beta
from .optimizer import Optimizer, Rate
from .registry import register


@register
class Adamax(Optimizer):
    """m += (g - m)(1 - beta_1); u = max(beta_2 * u, |g|);
    p -= rate / (1 - beta_1^t) * m / (u + epsilon). (Kingma & Ba, 2014, section 7)

    Raises:
        ValueError: a beta is not in [0, 1); see also `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        **common,
    ):
        super().__init__(learning_rate, weight_decay, **common)
        self.beta_1 = check_beta(self, "beta_1", beta_1)
        self.beta_2 = check_beta(self, "beta_2", beta_2)
        self.epsilon = check_number("Adamax", "epsilon", epsilon, low=0)

    @property
    def slot_names(self):
        return ("momentum", "norm")

    def columns(self, rate, t):
        return [rate / (1 - self.beta_1**t)]

    def emit_update(self, parameter, gradient, slots, factor, **common):
        ops.adamax(
            parameter, gradient, slots["momentum"], slots["norm"], factor,
            beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon, **common,
        )  # fmt: skip

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
