"""elu(x) = x right of zero, alpha (e^x - 1) left of it."""

from __future__ import annotations

import numpy as np

from ._op import define, not_differentiable
from ._shapes import same


def _shape(x, *others, alpha):
    if not alpha >= 0:
        raise ValueError(f"alpha must be at least 0, {alpha} came.")
    return same(x, *others)


elu = define(
    "elu",
    attrs={"alpha": 1.0},
    shape=_shape,
    gradient=lambda node, dy: (elu_grad(dy, node.outputs[0], **node.attrs),),
    reference=lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    doc="""x where x > 0, else alpha (e^x - 1), elementwise; alpha >= 0.
    (Clevert, Unterthiner & Hochreiter, 2015)""",
)

elu_grad = define(
    "elu_grad",
    inputs="dy y",
    attrs={"alpha": 1.0},
    shape=_shape,
    gradient=not_differentiable("second derivatives are not supported"),
    # Left of zero the slope is alpha e^x = y + alpha.
    reference=lambda dy, y, alpha: dy * np.where(y > 0, 1, y + alpha),
    doc="dy where y > 0, else dy (y + alpha); y is elu's output.",
)
