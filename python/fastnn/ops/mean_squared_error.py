"""mean_squared_error(target, prediction): the mean of (p - t)^2 over each row."""

from __future__ import annotations

import numpy as np

from ._losses import row_flops, symmetric
from ._op import define, not_differentiable
from ._shapes import rows, rows_grad

mean_squared_error_grad = define(
    "mean_squared_error_grad",
    inputs="target prediction drows",
    shape=rows_grad,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=lambda target, prediction, drows: (
        (prediction - target) * (2 / target.shape[-1]) * drows[..., None]
    ),
    flops=row_flops,
    doc="d(loss)/d(prediction), given `drows`, the gradients of the rows' values.",
)

mean_squared_error = define(
    "mean_squared_error",
    inputs="target prediction",
    shape=rows,
    gradient=symmetric(mean_squared_error_grad),
    reference=lambda target, prediction: np.mean(np.square(prediction - target), axis=-1),
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...): the mean of (prediction - target)^2 over the last axis.""",
)
