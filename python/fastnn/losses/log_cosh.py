"""The logarithm of the hyperbolic cosine of the error."""

from __future__ import annotations

from fastnn import ops

from .loss import LossFunctionWrapper
from .registry import add
from .shapes import align


def log_cosh(y_true, y_pred):
    """mean(log(cosh(y_pred - y_true))) along the last axis."""
    return ops.log_cosh(*align("log_cosh", y_true, y_pred))


class LogCosh(LossFunctionWrapper):
    """mean(log(cosh(y_pred - y_true)))."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "log_cosh", dtype=None
    ):
        super().__init__(log_cosh, reduction, name, dtype)


add(log_cosh, LogCosh)
