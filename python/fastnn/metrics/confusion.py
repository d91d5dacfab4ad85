"""What is counted at thresholds: true and false positives and negatives, precision and recall."""

from __future__ import annotations

import math

import numpy as np

from fastnn import ops
from fastnn.graph.tensor import Tensor
from fastnn.losses.shapes import align, expand_weights
from fastnn.utils.arguments import check_number, refuse_unsupported

from .metric import Metric, divide_no_nan
from .registry import register


class ConfusionMetric(Metric):
    """State: rows of (true positives, false positives, true negatives, false negatives), a column a
    threshold. A prediction is positive where it is larger than the threshold, a target where it is
    not 0. All axes of the data count alike.
    """

    def __init__(self, thresholds: np.ndarray, name: str | None = None, dtype=None):
        super().__init__(dtype, name)
        self._limits = np.asarray(thresholds, np.float32)
        self.counts = self.add_variable((4, len(self._limits)), "counts")

    def emit(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = align(f"Metric {self.name!r}", y_true, y_pred)
        if sample_weight is not None:
            sample_weight = _flat(expand_weights(sample_weight, y_pred.shape))
        counts = self.counts if isinstance(y_pred, Tensor) else self.counts.value
        ops.accumulate_confusion(counts, _flat(y_true), _flat(y_pred), sample_weight, self._limits)


def _flat(x):
    return ops.reshape(x, shape=(math.prod(x.shape),))


class _AtThresholds(ConfusionMetric):
    """A figure at one threshold or at several; one gives a number, a list gives an array."""

    def __init__(self, thresholds=None, name: str | None = None, dtype=None):
        several = isinstance(thresholds, list | tuple | np.ndarray)
        limits = list(thresholds) if several else [0.5 if thresholds is None else thresholds]
        for limit in limits:
            check_number(type(self).__name__, "thresholds", limit, low=0, high=1)
        super().__init__(np.asarray(limits), name, dtype)
        self.thresholds = thresholds
        self._several = len(limits) != 1

    def figure(self, tp, fp, tn, fn) -> np.ndarray:
        """From the four counts, an array of one value a threshold."""
        raise NotImplementedError

    def result(self):
        values = self.figure(*self.counts.value)
        return values.copy() if self._several else values[0]

    def get_config(self):
        return {**super().get_config(), "thresholds": self.thresholds}


@register
class TruePositives(_AtThresholds):
    """The number (or weight) of positive predictions that are right."""

    direction = "up"

    def figure(self, tp, fp, tn, fn):
        return tp


@register
class FalsePositives(_AtThresholds):
    """The number (or weight) of positive predictions that are wrong."""

    direction = "down"

    def figure(self, tp, fp, tn, fn):
        return fp


@register
class TrueNegatives(_AtThresholds):
    """The number (or weight) of negative predictions that are right."""

    direction = "up"

    def figure(self, tp, fp, tn, fn):
        return tn


@register
class FalseNegatives(_AtThresholds):
    """The number (or weight) of negative predictions that are wrong."""

    direction = "down"

    def figure(self, tp, fp, tn, fn):
        return fn


class _Share(_AtThresholds):
    """Precision and recall take two more arguments in Keras."""

    direction = "up"

    def __init__(
        self, thresholds=None, top_k=None, class_id=None, name: str | None = None, dtype=None
    ):
        refuse_unsupported(type(self).__name__, top_k=top_k, class_id=class_id)
        super().__init__(thresholds, name, dtype)


@register
class Precision(_Share):
    """The share of positive predictions that are right; 0 when there are none.

    Args:
        thresholds: a number in [0, 1], or a list of them; 0.5 by default.

    Raises:
        ValueError: a threshold is not in [0, 1]; `top_k` or `class_id` is given.
    """

    def figure(self, tp, fp, tn, fn):
        return divide_no_nan(tp, tp + fp)


@register
class Recall(_Share):
    """The share of positive targets that were found; 0 when there are none.

    Args:
        thresholds: a number in [0, 1], or a list of them; 0.5 by default.

    Raises:
        ValueError: a threshold is not in [0, 1]; `top_k` or `class_id` is given.
    """

    def figure(self, tp, fp, tn, fn):
        return divide_no_nan(tp, tp + fn)
