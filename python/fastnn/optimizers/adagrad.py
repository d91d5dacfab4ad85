"""Adagrad: steps divided by the root of the sum of all squared gradients."""

from __future__ import annotations

from fastnn import ops
from fastnn.utils.arguments import check_number

from .optimizer import Optimizer, Rate
from .registry import register


@register
class Adagrad(Optimizer):
    """a += g^2; p -= rate * g / sqrt(a + epsilon). (Duchi et al., 2011)

    Args:
        initial_accumulator_value: what a starts with.

    Raises:
        ValueError: a negative `initial_accumulator_value`; see also `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        **common,
    ):
        super().__init__(learning_rate, weight_decay, **common)
        self.initial_accumulator_value = check_number(
            "Adagrad", "initial_accumulator_value", initial_accumulator_value, low=0
        )
        self.epsilon = check_number("Adagrad", "epsilon", epsilon, low=0)

    @property
    def slot_names(self):
        return ("accumulator",)

    def slot_initial_values(self):
        return [self.initial_accumulator_value]

    def emit_update(self, parameter, gradient, slots, factor, **common):
        ops.adagrad(
            parameter, gradient, slots["accumulator"], factor, epsilon=self.epsilon, **common
        )

    def get_config(self):
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
