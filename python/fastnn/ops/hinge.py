"""hinge(target, prediction): the margin loss of support vector machines."""

from __future__ import annotations

import numpy as np

from ._losses import row_flops, symmetric
from ._op import define, not_differentiable
from ._shapes import rows, rows_grad


def _grad_reference(target, prediction, drows):
    margin = 1 - target * prediction
    slope = np.where(np.isnan(margin), margin, np.where(margin < 0, 0, -target))
    return slope * (drows / target.shape[-1])[..., None]


hinge_grad = define(
    "hinge_grad",
    inputs="target prediction drows",
    shape=rows_grad,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    flops=row_flops,
    doc="d(loss)/d(prediction), given `drows`; at a margin of exactly 1 the left slope holds.",
)

hinge = define(
    "hinge",
    inputs="target prediction",
    shape=rows,
    gradient=symmetric(hinge_grad),
    reference=lambda target, prediction: np.mean(np.maximum(1 - target * prediction, 0), axis=-1),
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...): the mean of max(1 - t p, 0) over the last axis, for
    targets -1 and 1.""",
)
