"""The base of all losses: shapes that fit, one value a row, and the reduction to one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn import ops
from fastnn.graph.tensor import Tensor
from fastnn.utils.arguments import check_dtype, class_numbers, floats
from fastnn.utils.naming import auto_name

from .shapes import expand_weights

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss:
    """A number that says how wrong predictions are; training makes it small.

    A subclass has `call(y_true, y_pred)`, written in ops, which gives one value a row.

    Args:
        name: by default the class in snake case.
        reduction: "sum_over_batch_size" and "mean" divide the (weighted) sum by the number of
            values, "mean_with_sample_weight" by the sum of the weights, "sum" by nothing; "none"
            and None keep the values.
        dtype: None or "float32".

    Raises:
        ValueError: an unknown reduction.
    """

    target_dtype = "float32"  # of y_true in a program: "int32" for class numbers

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype=None,
    ):
        self.name = name or auto_name(type(self).__name__)
        if reduction not in REDUCTIONS:
            raise ValueError(
                f"{type(self).__name__}: `reduction` must be one of {REDUCTIONS}. "
                f"Received: reduction={reduction!r}"
            )
        check_dtype(type(self).__name__, dtype)
        self.reduction = reduction

    def call(self, y_true, y_pred):
        """One value a row."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred).")

    def emit(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Emits the loss of a minibatch: a tensor of shape (), or of a value a row where the
        reduction is None.

        Raises:
            ValueError: the shapes do not fit.
        """
        return reduce_weighted(self.call(y_true, y_pred), sample_weight, self.reduction)

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The loss of arrays: a float, or a float32 array where the reduction is None."""
        if any(isinstance(t, Tensor) for t in (y_true, y_pred, sample_weight)):
            return self.emit(y_true, y_pred, sample_weight)
        y_true = class_numbers(y_true) if self.target_dtype == "int32" else floats(y_true)
        y_pred = floats(y_pred)
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight, np.float32)
        value = np.asarray(self.emit(y_true, y_pred, sample_weight))
        return float(value) if value.ndim == 0 else value

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, reduction={self.reduction}>"


class LossFunctionWrapper(Loss):
    """A loss made of a function `fn(y_true, y_pred, **settings)` that gives a value a row."""

    def __init__(
        self,
        fn: Callable,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype=None,
        **settings,
    ):
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self.settings = settings

    def call(self, y_true, y_pred):
        return self.fn(y_true, y_pred, **self.settings)

    def get_config(self):
        if type(self) is LossFunctionWrapper:
            raise ValueError(
                f"Loss {self.name!r} is a function of your own: a config cannot name it. "
                "Use a class of fastnn.losses where the model is to be saved."
            )
        return {**super().get_config(), **self.settings}


def reduce_weighted(values, sample_weight, reduction: str | None):
    """Weights the values and reduces them; the rules are at `Loss`."""
    weights = None if sample_weight is None else expand_weights(sample_weight, values.shape)
    if reduction in (None, "none"):
        return values if weights is None else ops.multiply(values, weights)
    divisor = 1.0 if reduction == "sum" else float(max(np.prod(values.shape, dtype=int), 1))
    if reduction == "mean_with_sample_weight" and weights is not None:
        divisor = 0.0  # stands for the sum of the weights
    return ops.weighted_sum(values, weights, divisor=divisor)
