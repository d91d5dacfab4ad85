"""SGD: gradient descent, on minibatches or on the whole data, with or without momentum."""

from __future__ import annotations

from fastnn import ops
from fastnn.utils.arguments import check_number

from .optimizer import Optimizer, Rate
from .registry import register


@register
class SGD(Optimizer):
    """p -= rate * g; with momentum v = momentum * v - rate * g, then p += v, or, with `nesterov`,
    p += momentum * v - rate * g. (Sutskever et al., 2013)

    Raises:
        ValueError: `momentum` is not in [0, 1]; see also `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        **common,
    ):
        super().__init__(learning_rate, weight_decay, **common)
        self.momentum = check_number("SGD", "momentum", momentum, low=0, high=1)
        self.nesterov = bool(nesterov)

    @property
    def slot_names(self):
        return ("momentum",) if self.momentum else ()

    def emit_update(self, parameter, gradient, slots, factor, **common):
        ops.sgd(
            parameter, gradient, slots.get("momentum"), factor,
            momentum=self.momentum, nesterov=self.nesterov, **common,
        )  # fmt: skip

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
