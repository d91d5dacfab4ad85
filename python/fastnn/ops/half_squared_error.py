"""half_squared_error(target, prediction): half the sum of (p - t)^2 over each row."""

from __future__ import annotations

import numpy as np

from ._losses import row_flops, symmetric
from ._op import define, not_differentiable
from ._shapes import rows, rows_grad

half_squared_error_grad = define(
    "half_squared_error_grad",
    inputs="target prediction drows",
    shape=rows_grad,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=lambda target, prediction, drows: (prediction - target) * drows[..., None],
    flops=row_flops,
    doc="d(loss)/d(prediction), given `drows`, the gradients of the rows' values.",
)

half_squared_error = define(
    "half_squared_error",
    inputs="target prediction",
    shape=rows,
    gradient=symmetric(half_squared_error_grad),
    reference=lambda target, prediction: 0.5 * np.sum(np.square(prediction - target), axis=-1),
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...): half the sum of (prediction - target)^2 over the last
    axis.""",
)
