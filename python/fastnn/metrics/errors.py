"""Losses as metrics: their (weighted) means over all rows."""

from __future__ import annotations

import numpy as np

from fastnn import losses

from .reductions import MeanMetricWrapper
from .registry import registry


class MeanSquaredError(MeanMetricWrapper):
    """mean((y_true - y_pred)^2)."""

    direction = "down"

    def __init__(self, name: str = "mean_squared_error", dtype=None):
        super().__init__(losses.mean_squared_error, name, dtype)


class RootMeanSquaredError(MeanMetricWrapper):
    """sqrt(mean((y_true - y_pred)^2)), the mean over all rows so far."""

    direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype=None):
        super().__init__(losses.mean_squared_error, name, dtype)

    def result(self):
        return np.sqrt(super().result())


class MeanAbsoluteError(MeanMetricWrapper):
    """mean(|y_true - y_pred|)."""

    direction = "down"

    def __init__(self, name: str = "mean_absolute_error", dtype=None):
        super().__init__(losses.mean_absolute_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """mean(log(cosh(y_pred - y_true)))."""

    direction = "down"

    def __init__(self, name: str = "logcosh", dtype=None):
        super().__init__(losses.log_cosh, name, dtype)


class KLDivergence(MeanMetricWrapper):
    """sum(y_true * log(y_true / y_pred)) of a row, the mean over rows."""

    direction = "down"

    def __init__(self, name: str = "kl_divergence", dtype=None):
        super().__init__(losses.kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """mean(y_pred - y_true * log(y_pred + 1e-7))."""

    direction = "down"

    def __init__(self, name: str = "poisson", dtype=None):
        super().__init__(losses.poisson, name, dtype)


class Hinge(MeanMetricWrapper):
    """mean(max(1 - y_true * y_pred, 0))."""

    direction = "down"

    def __init__(self, name: str = "hinge", dtype=None):
        super().__init__(losses.hinge, name, dtype)


class BinaryCrossentropy(MeanMetricWrapper):
    """The binary cross-entropy; the arguments are those of the loss."""

    direction = "down"

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype=None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ):
        super().__init__(
            losses.binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(MeanMetricWrapper):
    """The cross-entropy of one-hot targets; the arguments are those of the loss."""

    direction = "down"

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype=None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ):
        super().__init__(
            losses.categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The cross-entropy of class numbers; the arguments are those of the loss."""

    target_dtype = "int32"
    direction = "down"

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype=None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        super().__init__(
            losses.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


registry.add(MeanSquaredError, "mse", "MSE")
registry.add(RootMeanSquaredError)
registry.add(MeanAbsoluteError, "mae", "MAE")
registry.add(LogCoshError)
registry.add(KLDivergence, "kld", "KLD")
registry.add(Poisson)
registry.add(Hinge)
registry.add(BinaryCrossentropy, "bce", "BCE")
registry.add(CategoricalCrossentropy)
registry.add(SparseCategoricalCrossentropy)
