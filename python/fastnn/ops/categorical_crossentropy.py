"""categorical_crossentropy(target, prediction): from probabilities of classes."""

from __future__ import annotations

import numpy as np

from ._losses import row_flops, spread
from ._op import define, not_differentiable
from ._shapes import rows, rows_grad
from .clip import clip
from .divide import divide
from .log import log
from .multiply import multiply
from .reduce_sum import reduce_sum

ATTRS = {"epsilon": 1e-7}


def _gradient(node, drows):
    target, prediction = node.inputs
    epsilon = node.attrs["epsilon"]
    q = divide(prediction, reduce_sum(prediction, axis=-1, keepdims=True))
    return (
        multiply(log(clip(q, epsilon, 1 - epsilon)), spread(drows, target, -1.0)),
        categorical_crossentropy_grad(target, prediction, drows, **node.attrs),
    )


def _reference(target, prediction, epsilon):
    q = prediction / np.sum(prediction, axis=-1, keepdims=True)
    return -np.sum(target * np.log(np.clip(q, epsilon, 1 - epsilon)), axis=-1)


def _grad_reference(target, prediction, drows, epsilon):
    """With d = -t / q where q = p / sum(p) was not clipped: dp = (d - sum(d q)) / sum(p)."""
    total = np.sum(prediction, axis=-1, keepdims=True)
    q = prediction / total
    outside = (q < epsilon) | (q > 1 - epsilon)
    d = np.where(outside, 0, -target / np.where(outside, 1, q))
    return (d - np.sum(d * q, axis=-1, keepdims=True)) * (drows[..., None] / total)


categorical_crossentropy = define(
    "categorical_crossentropy",
    inputs="target prediction",
    attrs=ATTRS,
    shape=rows,
    gradient=_gradient,
    reference=_reference,
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...): -sum(t log q) over the last axis, where q = p / sum(p),
    clipped to [epsilon, 1 - epsilon], as in Keras. From logits: softmax_crossentropy.""",
)

categorical_crossentropy_grad = define(
    "categorical_crossentropy_grad",
    inputs="target prediction drows",
    attrs=ATTRS,
    shape=rows_grad,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    flops=row_flops,
    doc="d(loss)/d(prediction), given `drows`, the gradients of the rows' values.",
)
