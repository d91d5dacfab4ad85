"""poisson(target, prediction): the negative log likelihood of counts, without its constant."""

from __future__ import annotations

import numpy as np

from ._losses import row_flops, spread
from ._op import define, not_differentiable
from ._shapes import rows, rows_grad
from .affine import affine
from .log import log
from .multiply import multiply

ATTRS = {"epsilon": 1e-7}


def _gradient(node, drows):
    target, prediction = node.inputs
    log_p = log(affine(prediction, shift=node.attrs["epsilon"]))
    return (
        multiply(log_p, spread(drows, target, -1 / target.shape[-1])),
        poisson_grad(target, prediction, drows, **node.attrs),
    )


def _reference(target, prediction, epsilon):
    return np.mean(prediction - target * np.log(prediction + epsilon), axis=-1)


def _grad_reference(target, prediction, drows, epsilon):
    slope = 1 - target / (prediction + epsilon)
    return slope * (drows / target.shape[-1])[..., None]


poisson = define(
    "poisson",
    inputs="target prediction",
    attrs=ATTRS,
    shape=rows,
    gradient=_gradient,
    reference=_reference,
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...): the mean of p - t log(p + epsilon) over the last axis, as in
    Keras.""",
)

poisson_grad = define(
    "poisson_grad",
    inputs="target prediction drows",
    attrs=ATTRS,
    shape=rows_grad,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    flops=row_flops,
    doc="d(loss)/d(prediction), given `drows`, the gradients of the rows' values.",
)
