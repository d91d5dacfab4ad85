"""mean_absolute_error(target, prediction): the mean of |p - t| over each row."""

from __future__ import annotations

import numpy as np

from ._losses import row_flops, symmetric
from ._op import define, not_differentiable
from ._shapes import rows, rows_grad

mean_absolute_error_grad = define(
    "mean_absolute_error_grad",
    inputs="target prediction drows",
    shape=rows_grad,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=lambda target, prediction, drows: (
        np.sign(prediction - target) * (drows / target.shape[-1])[..., None]
    ),
    flops=row_flops,
    doc="d(loss)/d(prediction), given `drows`, the gradients of the rows' values.",
)

mean_absolute_error = define(
    "mean_absolute_error",
    inputs="target prediction",
    shape=rows,
    gradient=symmetric(mean_absolute_error_grad),
    reference=lambda target, prediction: np.mean(np.abs(prediction - target), axis=-1),
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...): the mean of |prediction - target| over the last axis.
    The gradient at equality is 0.""",
)
