"""Sums and means of values, and of functions of targets and predictions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fastnn import ops
from fastnn.graph.tensor import Tensor
from fastnn.losses.shapes import expand_weights

from .metric import Metric
from .registry import register


class _Total(Metric):
    """State: (sum of weight * value, sum of weights)."""

    def __init__(self, dtype=None, name: str | None = None):
        super().__init__(dtype, name)
        self.total = self.add_variable((2,), "total")

    def add(self, values, sample_weight=None, weight: float = 1.0) -> None:
        """Adds values (tensors or arrays); each weight is multiplied by `weight`."""
        if sample_weight is not None:
            sample_weight = expand_weights(sample_weight, values.shape)
        total = self.total if isinstance(values, Tensor) else self.total.value
        ops.accumulate(total, values, sample_weight, weight=weight)

    def update_state(self, values, sample_weight=None) -> None:
        """Adds an array, or a number."""
        values = np.atleast_1d(np.asarray(values, np.float32))
        if sample_weight is not None:
            sample_weight = np.atleast_1d(np.asarray(sample_weight, np.float32))
        self.add(values, sample_weight)


@register
class Sum(_Total):
    """The (weighted) sum of the values given to `update_state(values, sample_weight=None)`."""

    def __init__(self, name: str = "sum", dtype=None):
        super().__init__(dtype, name)

    def result(self):
        return self.total.value[0]


@register
class Mean(_Total):
    """The (weighted) mean of the values given to `update_state(values, sample_weight=None)`; 0 when
    there were none. A row of several values counts as one: their mean.
    """

    def __init__(self, name: str = "mean", dtype=None):
        super().__init__(dtype, name)

    def update_state(self, values, sample_weight=None):
        values = np.atleast_1d(np.asarray(values, np.float32))
        super().update_state(values.mean(axis=tuple(range(1, values.ndim))), sample_weight)

    def result(self):
        return divide_mean(self.total.value)


def divide_mean(total: np.ndarray) -> np.float64:
    """sum / count of a pair; 0 when the count is 0."""
    return total[0] / total[1] if total[1] != 0 else np.float64(0)


class MeanMetricWrapper(_Total):
    """The (weighted) mean of fn(y_true, y_pred, **settings), a value a row (or an element).

    Args:
        fn: a function of this module, of `fastnn.losses`, or one of your own, written in ops.
    """

    def __init__(self, fn: Callable, name: str | None = None, dtype=None, **settings):
        super().__init__(dtype, name or getattr(fn, "__name__", None))
        self.fn = fn
        self.settings = settings

    def emit(self, y_true, y_pred, sample_weight=None):
        self.add(self.fn(y_true, y_pred, **self.settings), sample_weight)

    update_state = Metric.update_state

    def result(self):
        return divide_mean(self.total.value)

    def get_config(self):
        if type(self) is MeanMetricWrapper:
            raise ValueError(
                f"Metric {self.name!r} is a function of your own: a config cannot name it. "
                "Use a class of fastnn.metrics where the model is to be saved."
            )
        return {**super().get_config(), **self.settings}
