"""l1_l2(w): the penalty on large weights."""

from __future__ import annotations

import numpy as np

from fastnn.graph.tensor import TensorSpec

from ._op import define, not_differentiable

ATTRS = {"l1": 0.0, "l2": 0.0}


def _reference(w, l1, l2):
    penalty = np.zeros((), w.dtype)
    if l1:
        penalty = penalty + l1 * np.sum(np.abs(w))
    if l2:
        penalty = penalty + l2 * np.sum(np.square(w))
    return penalty.astype(w.dtype)


l1_l2 = define(
    "l1_l2",
    inputs="w",
    attrs=ATTRS,
    shape=lambda w, l1, l2: TensorSpec((), w.dtype),
    gradient=lambda node, dy: (l1_l2_grad(dy, node.inputs[0], **node.attrs),),
    reference=_reference,
    flops=lambda node: 4 * node.inputs[0].size,
    doc="l1 sum|w| + l2 sum w^2, shape (). (Keras' L1L2: no factor 1/2)",
)

l1_l2_grad = define(
    "l1_l2_grad",
    inputs="dy w",
    attrs=ATTRS,
    shape=lambda dy, w, l1, l2: TensorSpec(tuple(w.shape), w.dtype),
    gradient=not_differentiable("second derivatives are not supported"),
    reference=lambda dy, w, l1, l2: dy * (l1 * np.sign(w) + 2 * l2 * w),
    flops=lambda node: 4 * node.outputs[0].size,
    doc="dy (l1 sign(w) + 2 l2 w).",
)
