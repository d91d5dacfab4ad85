"""Losses: functions that give a value a row, and classes that reduce the values to one number."""

from __future__ import annotations

from .binary_crossentropy import BinaryCrossentropy, binary_crossentropy
from .categorical_crossentropy import CategoricalCrossentropy, categorical_crossentropy
from .half_mean_squared_error import HalfMeanSquaredError, half_mean_squared_error
from .hinge import Hinge, hinge
from .huber import Huber, huber
from .kl_divergence import KLDivergence, kl_divergence
from .log_cosh import LogCosh, log_cosh
from .loss import Loss, LossFunctionWrapper
from .mean_absolute_error import MeanAbsoluteError, mean_absolute_error
from .mean_squared_error import MeanSquaredError, mean_squared_error
from .poisson import Poisson, poisson
from .registry import deserialize, get, resolve, serialize
from .sparse_categorical_crossentropy import (
    SparseCategoricalCrossentropy,
    sparse_categorical_crossentropy,
)

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
kld = KLD = kl_divergence
bce = BCE = binary_crossentropy

__all__ = [
    "BCE",
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "HalfMeanSquaredError",
    "Hinge",
    "Huber",
    "KLD",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MAE",
    "MSE",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "bce",
    "binary_crossentropy",
    "categorical_crossentropy",
    "deserialize",
    "get",
    "half_mean_squared_error",
    "hinge",
    "huber",
    "kl_divergence",
    "kld",
    "log_cosh",
    "mae",
    "mean_absolute_error",
    "mean_squared_error",
    "mse",
    "poisson",
    "resolve",
    "serialize",
    "sparse_categorical_crossentropy",
]
