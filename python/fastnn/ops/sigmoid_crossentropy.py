"""sigmoid_crossentropy(target, logits): binary_crossentropy of sigmoid(logits), never clipped."""

from __future__ import annotations

import numpy as np

from ._losses import row_flops, spread
from ._op import define, not_differentiable
from ._shapes import rows, rows_grad
from .multiply import multiply
from .sigmoid import reference as sigmoid


def _gradient(node, drows):
    target, logits = node.inputs
    return (
        multiply(logits, spread(drows, target, -1 / target.shape[-1])),
        sigmoid_crossentropy_grad(target, logits, drows),
    )


def _reference(target, logits):
    value = np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))
    return np.mean(value, axis=-1)


sigmoid_crossentropy = define(
    "sigmoid_crossentropy",
    inputs="target logits",
    shape=rows,
    gradient=_gradient,
    reference=_reference,
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...): the mean of max(x, 0) - x t + log(1 + e^-|x|) over the last
    axis, x the logits. (tf.nn.sigmoid_cross_entropy_with_logits)""",
)

sigmoid_crossentropy_grad = define(
    "sigmoid_crossentropy_grad",
    inputs="target logits drows",
    shape=rows_grad,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=lambda target, logits, drows: (
        (sigmoid(logits) - target) * (drows / target.shape[-1])[..., None]
    ),
    flops=row_flops,
    doc="d(loss)/d(logits), given `drows`, the gradients of the rows' values.",
)
