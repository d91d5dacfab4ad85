"""The Huber loss: squared near zero, absolute far from it."""

from __future__ import annotations

from fastnn import ops
from fastnn.utils.arguments import check_number

from .loss import LossFunctionWrapper
from .registry import add
from .shapes import align


def huber(y_true, y_pred, delta: float = 1.0):
    """Mean along the last axis of e^2 / 2 where |e| <= delta, delta * |e| - delta^2 / 2 elsewhere.
    (Huber, 1964)
    """
    return ops.huber(*align("huber", y_true, y_pred), delta=delta)


class Huber(LossFunctionWrapper):
    """See `huber`; `delta` is where the two forms meet."""

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype=None,
    ):
        delta = check_number("Huber", "delta", delta, low=0)
        super().__init__(huber, reduction, name, dtype, delta=delta)


add(huber, Huber)
