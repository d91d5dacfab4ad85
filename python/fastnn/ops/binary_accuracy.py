"""binary_accuracy(target, prediction): the share of a row's columns on the right side."""

from __future__ import annotations

import numpy as np

from ._losses import row_flops
from ._op import define, not_differentiable
from ._shapes import rows


def _reference(target, prediction, threshold):
    predicted = prediction > prediction.dtype.type(threshold)
    return np.mean(predicted == target, axis=-1, dtype=prediction.dtype)


binary_accuracy = define(
    "binary_accuracy",
    inputs="target prediction",
    attrs={"threshold": 0.5},
    shape=rows,
    gradient=not_differentiable("a metric"),
    reference=_reference,
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...): the mean over the last axis of (prediction > threshold) ==
    target.""",
)
