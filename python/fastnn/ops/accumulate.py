"""accumulate(total, values, weights): adds a minibatch to a running mean."""

from __future__ import annotations

import numpy as np

from ._op import define, not_differentiable
from ._shapes import same


def _shape(total, values, weights, weight):
    if tuple(total.shape) != (2,):
        raise ValueError(f"total must be (sum, count), shape (2,); {tuple(total.shape)} came.")
    same(values, weights)
    return []


def _reference(total, values, weights, weight):
    values = np.asarray(values, np.float64)
    w = np.ones(values.shape) if weights is None else np.asarray(weights, np.float64)
    return total + weight * np.array([np.sum(w * values), np.sum(w)])


accumulate = define(
    "accumulate",
    inputs="total:float64 values weights?",
    attrs={"weight": 1.0},
    shape=_shape,
    gradient=not_differentiable("a metric"),
    reference=_reference,
    effect=True,
    flops=lambda node: 2 * node.inputs[1].size,
    doc="""total += (sum(values w), sum(w)) in float64, in place, with w = weights * weight (weights
    are 1 when absent). total[0] / total[1] is then the weighted mean of all values so far.""",
)
