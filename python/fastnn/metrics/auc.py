"""AUC: the area under the ROC or the precision-recall curve."""

from __future__ import annotations

import numpy as np

from fastnn import ops
from fastnn.utils.arguments import check_number, floats, refuse_unsupported

from .confusion import ConfusionMetric
from .metric import divide_no_nan
from .registry import register

EPSILON = 1e-7


@register
class AUC(ConfusionMetric):
    """The area under a curve drawn through the points at the thresholds.

    Args:
        num_thresholds: evenly spaced in [0, 1]; more are more exact.
        curve: "ROC" (true against false positive rate) or "PR" (precision against recall).
        summation_method: "interpolation", "minoring" or "majoring": between two points the mean,
            the smaller or the larger height. "PR" interpolates the counts, not the precision (Davis
            & Goadrich, 2006).
        thresholds: a list in [0, 1], instead of `num_thresholds`; 0 and 1 are added.
        from_logits: whether predictions are scores before a sigmoid.

    Raises:
        ValueError: fewer than 2 thresholds, an unknown curve or method, or an argument that fastnn
            does not support.
    """

    direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype=None,
        thresholds=None,
        multi_label: bool = False,
        num_labels=None,
        label_weights=None,
        from_logits: bool = False,
    ):
        refuse_unsupported(
            "AUC", multi_label=multi_label, num_labels=num_labels, label_weights=label_weights
        )
        if curve not in ("ROC", "PR"):
            raise ValueError(f"AUC: `curve` must be 'ROC' or 'PR'. Received: curve={curve!r}")
        if summation_method not in ("interpolation", "minoring", "majoring"):
            raise ValueError(
                "AUC: `summation_method` must be 'interpolation', 'minoring' or 'majoring'. "
                f"Received: summation_method={summation_method!r}"
            )
        if thresholds is not None:
            inner = sorted(check_number("AUC", "thresholds", t, low=0, high=1) for t in thresholds)
        elif isinstance(num_thresholds, int) and num_thresholds > 1:
            inner = np.arange(1, num_thresholds - 1) / (num_thresholds - 1)
        else:
            raise ValueError(
                "AUC: `num_thresholds` must be an int larger than 1. "
                f"Received: num_thresholds={num_thresholds!r}"
            )
        # The ends lie outside, so that predictions of exactly 0 and 1 fall between two thresholds.
        super().__init__(np.array([-EPSILON, *inner, 1 + EPSILON]), name, dtype)
        self.num_thresholds = len(inner) + 2
        self.curve = curve
        self.summation_method = summation_method
        self.from_logits = from_logits
        self._given = None if thresholds is None else [float(t) for t in inner]

    def emit(self, y_true, y_pred, sample_weight=None):
        if self.from_logits:
            y_pred = ops.sigmoid(floats(y_pred))
        super().emit(y_true, y_pred, sample_weight)

    def result(self):
        tp, fp, tn, fn = self.counts.value
        if self.curve == "PR" and self.summation_method == "interpolation":
            return _interpolated_precision(tp, fp, fn)
        recall = divide_no_nan(tp, tp + fn)
        if self.curve == "ROC":
            x, y = divide_no_nan(fp, fp + tn), recall
        else:
            x, y = recall, divide_no_nan(tp, tp + fp)
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2
        else:
            pick = np.minimum if self.summation_method == "minoring" else np.maximum
            heights = pick(y[:-1], y[1:])
        return np.sum((x[:-1] - x[1:]) * heights)

    def get_config(self):
        return {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "thresholds": self._given,
            "from_logits": self.from_logits,
        }


def _interpolated_precision(tp, fp, fn) -> np.float64:
    """The integral of precision over recall when, between two thresholds, true positives grow
    linearly with all positives p: precision = (a + slope p) / p, whose integral has a logarithm.
    """
    p = tp + fp
    d_tp = tp[:-1] - tp[1:]
    slope = divide_no_nan(d_tp, np.maximum(p[:-1] - p[1:], 0))
    a = tp[1:] - slope * p[1:]
    both = (p[:-1] > 0) & (p[1:] > 0)
    ratio = np.where(both, divide_no_nan(p[:-1], p[1:]), 1.0)
    return np.sum(divide_no_nan(slope * (d_tp + a * np.log(ratio)), tp[1:] + fn[1:]))
