"""huber(target, prediction): squared near zero, linear beyond delta."""

from __future__ import annotations

import numpy as np

from ._losses import row_flops, symmetric
from ._op import define, not_differentiable
from ._shapes import rows, rows_grad


def _shape(target, prediction, delta):
    if not delta > 0:
        raise ValueError(f"delta must be positive, {delta} came.")
    return rows(target, prediction)


def _reference(target, prediction, delta):
    error = np.abs(prediction - target)
    value = np.where(error <= delta, 0.5 * error * error, delta * error - 0.5 * delta * delta)
    return np.mean(value, axis=-1)


def _grad_reference(target, prediction, drows, delta):
    slope = np.clip(prediction - target, -delta, delta)
    return slope * (drows / target.shape[-1])[..., None]


huber_grad = define(
    "huber_grad",
    inputs="target prediction drows",
    attrs={"delta": 1.0},
    shape=rows_grad,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    flops=row_flops,
    doc="d(loss)/d(prediction), given `drows`, the gradients of the rows' values.",
)

huber = define(
    "huber",
    inputs="target prediction",
    attrs={"delta": 1.0},
    shape=_shape,
    gradient=symmetric(huber_grad),
    reference=_reference,
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...): with e = |prediction - target|, the mean over the last
    axis of e^2 / 2 where e <= delta, else delta e - delta^2 / 2. (Huber, 1964)""",
)
