"""one_hot(labels, depth): a row with a single 1 for each class number."""

from __future__ import annotations

import numpy as np

from fastnn.graph.tensor import TensorSpec

from ._labels import check_labels
from ._op import REQUIRED, define, not_differentiable


def _shape(labels, depth):
    if depth < 1:
        raise ValueError(f"depth must be at least 1, {depth} came.")
    return TensorSpec((*labels.shape, depth))


def _reference(labels, depth, run):
    check_labels(labels, depth)
    return np.equal(labels[..., None], np.arange(depth)).astype(run.float)


one_hot = define(
    "one_hot",
    inputs="labels:int32",
    attrs={"depth": REQUIRED},
    shape=_shape,
    gradient=not_differentiable("class numbers are whole"),
    reference=_reference,
    run=True,
    doc="""labels (...) -> (..., depth) float32: 1 at the label, 0 elsewhere.
    A label outside [0, depth) is a ValueError.""",
)
