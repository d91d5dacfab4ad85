"""leaky_relu(x) = x right of zero, alpha x left of it."""

from __future__ import annotations

import numpy as np

from ._op import define, not_differentiable
from ._shapes import same


def _shape(x, *others, alpha):
    if not alpha >= 0:
        raise ValueError(f"alpha must be at least 0, {alpha} came.")
    return same(x, *others)


leaky_relu = define(
    "leaky_relu",
    attrs={"alpha": 0.2},
    shape=_shape,
    gradient=lambda node, dy: (leaky_relu_grad(dy, node.outputs[0], **node.attrs),),
    reference=lambda x, alpha: np.where(x > 0, x, alpha * x),
    doc="""x where x > 0, else alpha x, elementwise. alpha >= 0, so that the sign of the output
    tells that of the input. (Maas, Hannun & Ng, 2013; the default is Keras')""",
)

leaky_relu_grad = define(
    "leaky_relu_grad",
    inputs="dy y",
    attrs={"alpha": 0.2},
    shape=_shape,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=lambda dy, y, alpha: np.where(np.isnan(y), y, np.where(y > 0, dy, alpha * dy)),
    doc="dy where y > 0, else alpha dy; y is leaky_relu's output.",
)
