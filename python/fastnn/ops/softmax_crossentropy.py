"""softmax_crossentropy(target, logits): cross-entropy of softmax(logits), never clipped."""

from __future__ import annotations

import numpy as np

from fastnn.graph.tensor import TensorSpec

from ._losses import logits_gradient, row_flops, spread
from ._op import define, not_differentiable
from ._shapes import rows, rows_grad
from .log_softmax import log_softmax
from .log_softmax import reference as log_softmax_of
from .multiply import multiply


def _shape(target, logits):
    return [rows(target, logits), TensorSpec(tuple(logits.shape), logits.dtype)]


def _gradient(node, drows, dprobabilities):
    target, logits = node.inputs
    dlogits = logits_gradient(softmax_crossentropy_grad, node, drows, dprobabilities)
    if drows is None:
        return None, dlogits
    return multiply(log_softmax(logits), spread(drows, target, -1.0)), dlogits


def _reference(target, logits):
    log_p = log_softmax_of(logits)
    return -np.sum(target * log_p, axis=-1), np.exp(log_p)


def _grad_reference(target, probabilities, drows):
    mass = np.sum(target, axis=-1, keepdims=True)
    return (probabilities * mass - target) * drows[..., None]


softmax_crossentropy = define(
    "softmax_crossentropy",
    inputs="target logits",
    shape=_shape,
    gradient=_gradient,
    reference=_reference,
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...), (..., n): -sum(t log softmax(x)) over the last axis, x the
    logits; and softmax(x) itself. The targets need not sum to 1.""",
)

softmax_crossentropy_grad = define(
    "softmax_crossentropy_grad",
    inputs="target probabilities drows",
    shape=rows_grad,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    flops=row_flops,
    doc="d(loss)/d(logits) from softmax(logits), given `drows`: (p sum(t) - t) drows.",
)
