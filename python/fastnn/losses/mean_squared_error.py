"""The mean squared error."""

from __future__ import annotations

from fastnn import ops

from .loss import LossFunctionWrapper
from .registry import add
from .shapes import align


def mean_squared_error(y_true, y_pred):
    """mean((y_true - y_pred)^2) along the last axis."""
    return ops.mean_squared_error(*align("mean_squared_error", y_true, y_pred))


class MeanSquaredError(LossFunctionWrapper):
    """mean((y_true - y_pred)^2)."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_error",
        dtype=None,
    ):
        super().__init__(mean_squared_error, reduction, name, dtype)


add(mean_squared_error, MeanSquaredError, "mse", "MSE")
