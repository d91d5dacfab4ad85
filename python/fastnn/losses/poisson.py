"""The Poisson loss, for counts."""

from __future__ import annotations

from fastnn import ops

from .loss import LossFunctionWrapper
from .registry import add
from .shapes import align

EPSILON = 1e-7


def poisson(y_true, y_pred):
    """mean(y_pred - y_true * log(y_pred + 1e-7)) along the last axis."""
    return ops.poisson(*align("poisson", y_true, y_pred), epsilon=EPSILON)


class Poisson(LossFunctionWrapper):
    """mean(y_pred - y_true * log(y_pred + 1e-7))."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "poisson", dtype=None
    ):
        super().__init__(poisson, reduction, name, dtype)


add(poisson, Poisson)
