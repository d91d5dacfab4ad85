"""Half the mean squared error: the loss whose gradient is the error itself."""

from __future__ import annotations

from fastnn import ops

from .loss import LossFunctionWrapper
from .registry import add
from .shapes import align


def half_mean_squared_error(y_true, y_pred):
    """sum((y_true - y_pred)^2) / 2 along the last axis."""
    return ops.half_squared_error(*align("half_mean_squared_error", y_true, y_pred))


class HalfMeanSquaredError(LossFunctionWrapper):
    """1 / (2 n) * sum((y_true - y_pred)^2) over n rows. Keras has no such loss."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "half_mean_squared_error",
        dtype=None,
    ):
        super().__init__(half_mean_squared_error, reduction, name, dtype)


add(half_mean_squared_error, HalfMeanSquaredError)
