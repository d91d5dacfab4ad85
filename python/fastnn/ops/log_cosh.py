"""log_cosh(target, prediction): the logarithm of the hyperbolic cosine of the error."""

from __future__ import annotations

import math

import numpy as np

from ._losses import row_flops, symmetric
from ._op import define, not_differentiable
from ._shapes import rows, rows_grad


def _reference(target, prediction):
    """log cosh e = |e| + log(1 + exp(-2|e|)) - log 2, which cannot overflow."""
    error = np.abs(prediction - target)
    return np.mean(error + np.log1p(np.exp(-2 * error)) - math.log(2), axis=-1)


def _grad_reference(target, prediction, drows):
    return np.tanh(prediction - target) * (drows / target.shape[-1])[..., None]


log_cosh_grad = define(
    "log_cosh_grad",
    inputs="target prediction drows",
    shape=rows_grad,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    flops=row_flops,
    doc="d(loss)/d(prediction), given `drows`, the gradients of the rows' values.",
)

log_cosh = define(
    "log_cosh",
    inputs="target prediction",
    shape=rows,
    gradient=symmetric(log_cosh_grad),
    reference=_reference,
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...): the mean of log(cosh(prediction - target)) over the last
    axis.""",
)
