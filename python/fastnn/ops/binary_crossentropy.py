"""binary_crossentropy(target, prediction): from probabilities, one a column."""

from __future__ import annotations

import numpy as np

from ._losses import row_flops, spread
from ._op import define, not_differentiable
from ._shapes import rows, rows_grad
from .affine import affine
from .clip import clip
from .divide import divide
from .log import log
from .multiply import multiply

ATTRS = {"epsilon": 1e-7}


def _gradient(node, drows):
    target, prediction = node.inputs
    q = clip(prediction, node.attrs["epsilon"], 1 - node.attrs["epsilon"])
    odds = divide(q, affine(q, scale=-1.0, shift=1.0))
    return (
        multiply(log(odds), spread(drows, target, -1 / target.shape[-1])),
        binary_crossentropy_grad(target, prediction, drows, **node.attrs),
    )


def _reference(target, prediction, epsilon):
    q = np.clip(prediction, epsilon, 1 - epsilon)
    return -np.mean(target * np.log(q) + (1 - target) * np.log(1 - q), axis=-1)


def _grad_reference(target, prediction, drows, epsilon):
    q = np.clip(prediction, epsilon, 1 - epsilon)
    outside = (prediction != q) & ~np.isnan(target + prediction)
    slope = np.where(outside, 0, (q - target) / (q * (1 - q)))
    return slope * (drows / target.shape[-1])[..., None]


binary_crossentropy = define(
    "binary_crossentropy",
    inputs="target prediction",
    attrs=ATTRS,
    shape=rows,
    gradient=_gradient,
    reference=_reference,
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...): the mean of -(t log p + (1 - t) log(1 - p)) over the
    last axis, p clipped to [epsilon, 1 - epsilon], as in Keras. From logits:
    sigmoid_crossentropy.""",
)

binary_crossentropy_grad = define(
    "binary_crossentropy_grad",
    inputs="target prediction drows",
    attrs=ATTRS,
    shape=rows_grad,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    flops=row_flops,
    doc="d(loss)/d(prediction), given `drows`; 0 where the prediction was clipped.",
)
