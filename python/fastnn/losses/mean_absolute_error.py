"""The mean absolute error."""

from __future__ import annotations

from fastnn import ops

from .loss import LossFunctionWrapper
from .registry import add
from .shapes import align


def mean_absolute_error(y_true, y_pred):
    """mean(|y_true - y_pred|) along the last axis."""
    return ops.mean_absolute_error(*align("mean_absolute_error", y_true, y_pred))


class MeanAbsoluteError(LossFunctionWrapper):
    """mean(|y_true - y_pred|)."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_absolute_error",
        dtype=None,
    ):
        super().__init__(mean_absolute_error, reduction, name, dtype)


add(mean_absolute_error, MeanAbsoluteError, "mae", "MAE")
