"""accumulate_confusion(totals, target, prediction, ...): counts right and wrong at thresholds."""

from __future__ import annotations

import numpy as np

from ._op import define, not_differentiable
from ._shapes import same


def _shape(totals, target, prediction, weights, thresholds):
    same(prediction, target, weights)
    if len(thresholds.shape) != 1 or tuple(totals.shape) != (4, *thresholds.shape):
        raise ValueError(
            f"totals must be (4, t) for thresholds (t,); {tuple(totals.shape)} and "
            f"{tuple(thresholds.shape)} came."
        )
    return []


def _reference(totals, target, prediction, weights, thresholds):
    w = np.ones(target.size) if weights is None else np.ravel(weights).astype(np.float64)
    positive = np.ravel(target) != 0
    above = np.ravel(prediction) > thresholds[:, None]
    chosen = [above & positive, above & ~positive, ~above & ~positive, ~above & positive]
    return totals + np.array([np.where(c, w, 0.0).sum(axis=1) for c in chosen])


accumulate_confusion = define(
    "accumulate_confusion",
    inputs="totals:float64 target prediction weights? thresholds",
    shape=_shape,
    gradient=not_differentiable("a metric"),
    reference=_reference,
    effect=True,
    flops=lambda node: 2 * node.inputs[1].size * node.inputs[4].size,
    doc="""Adds each element's weight (1 when absent), at each of the t thresholds, to one row
    of the float64 totals (4, t), in place: true positives, false positives, true negatives,
    false negatives. An element is positive where its target is not 0, and predicted so where
    the prediction is above the threshold.""",
)
