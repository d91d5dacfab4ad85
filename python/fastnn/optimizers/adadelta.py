"""Adadelta: steps in the unit of the parameters."""

from __future__ import annotations

from fastnn import ops
from fastnn.utils.arguments import check_number

from .optimizer import Optimizer, Rate
from .registry import register


@register
class Adadelta(Optimizer):
    """a = rho * a + (1 - rho) g^2; step = g * sqrt(d + epsilon) / sqrt(a + epsilon);
    d = rho * d + (1 - rho) step^2; p -= rate * step. (Zeiler, 2012, whose rate is 1)

    Raises:
        ValueError: `rho` is not in [0, 1]; see also `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        **common,
    ):
        super().__init__(learning_rate, weight_decay, **common)
        self.rho = check_number("Adadelta", "rho", rho, low=0, high=1)
        self.epsilon = check_number("Adadelta", "epsilon", epsilon, low=0)

    @property
    def slot_names(self):
        return ("accumulated_grad", "accumulated_delta_var")

    def emit_update(self, parameter, gradient, slots, factor, **common):
        ops.adadelta(
            parameter, gradient, slots["accumulated_grad"], slots["accumulated_delta_var"], factor,
            rho=self.rho, epsilon=self.epsilon, **common,
        )  # fmt: skip

    def get_config(self):
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
