"""RMSprop: steps divided by the root of a running mean of the squared gradient."""

from __future__ import annotations

from fastnn import ops
from fastnn.utils.arguments import check_number

from .optimizer import Optimizer, Rate
from .registry import register


@register
class RMSprop(Optimizer):
    """v = rho * v + (1 - rho) g^2; p -= rate * g / sqrt(v + epsilon). (Hinton, 2012)

    Args:
        momentum: above 0, p follows a velocity: w = momentum * w + step; p -= w.
        centered: subtract the square of the running mean of g from v.

    Raises:
        ValueError: `rho` or `momentum` is not in [0, 1]; see also `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        **common,
    ):
        super().__init__(learning_rate, weight_decay, **common)
        self.rho = check_number("RMSprop", "rho", rho, low=0, high=1)
        self.momentum = check_number("RMSprop", "momentum", momentum, low=0, high=1)
        self.epsilon = check_number("RMSprop", "epsilon", epsilon, low=0)
        self.centered = bool(centered)

    @property
    def slot_names(self):
        names = ["velocity"]
        if self.momentum:
            names.append("momentum")
        if self.centered:
            names.append("average_gradient")
        return tuple(names)

    def emit_update(self, parameter, gradient, slots, factor, **common):
        ops.rmsprop(
            parameter, gradient, slots["velocity"], slots.get("momentum"),
            slots.get("average_gradient"), factor,
            rho=self.rho, momentum=self.momentum, epsilon=self.epsilon, **common,
        )  # fmt: skip

    def get_config(self):
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
