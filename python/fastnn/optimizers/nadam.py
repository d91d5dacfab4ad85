"""Nadam: Adam that looks ahead as Nesterov's momentum does."""

from __future__ import annotations

import numpy as np

from fastnn import ops
from fastnn.utils.arguments import check_number

from .adam import check_beta
from .optimizer import Optimizer, Rate
from .registry import register


@register
class Nadam(Optimizer):
    """With u_t = beta_1 (1 - 0.5 * 0.96^t) and U_t = u_1 u_2 ... u_t, and m, v as in Adam:
    p -= rate * (u_(t+1) m / (1 - U_(t+1)) + (1 - u_t) g / (1 - U_t)) /
    (sqrt(v / (1 - beta_2^t)) + epsilon). (Dozat, 2015)

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
        self.epsilon = check_number("Nadam", "epsilon", epsilon, low=0)

    @property
    def slot_names(self):
        return ("momentum", "velocity")

    def columns(self, rate, t):
        u, product = self._momentum(t), self._product(t)
        u_next = self._momentum(t + 1)
        return [
            rate,
            u_next / (1 - product * u_next),
            (1 - u) / (1 - product),
            1 / (1 - self.beta_2**t),
        ]

    def _momentum(self, t):
        return self.beta_1 * (1 - 0.5 * 0.96**t)

    def _product(self, t: np.ndarray) -> np.ndarray:
        """U_t. The factors 1 - 0.5 * 0.96^i are 1 in float64 from i = 1000 on."""
        factors = np.cumprod(1 - 0.5 * 0.96 ** np.arange(1, 1001))
        return self.beta_1**t * factors[np.minimum(t, 1000).astype(int) - 1]

    def emit_update(self, parameter, gradient, slots, factor, **common):
        ops.nadam(
            parameter, gradient, slots["momentum"], slots["velocity"], factor,
            beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon, **common,
        )  # fmt: skip

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
