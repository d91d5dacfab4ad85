"""selu(x): elu with the scale at which activations keep mean 0 and variance 1."""

from __future__ import annotations

import numpy as np

from ._op import define, not_differentiable
from ._shapes import same

ALPHA = 1.6732632423543772
SCALE = 1.0507009873554805

selu = define(
    "selu",
    shape=same,
    gradient=lambda node, dy: (selu_grad(dy, node.outputs[0]),),
    reference=lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(np.minimum(x, 0))),
    doc="""1.0507... x where x > 0, else 1.0507... 1.6732... (e^x - 1), elementwise.
    (Klambauer et al., "Self-normalizing neural networks", 2017)""",
)

selu_grad = define(
    "selu_grad",
    inputs="dy y",
    shape=same,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=lambda dy, y: dy * np.where(y >= 0, SCALE, y + SCALE * ALPHA).astype(dy.dtype),
    doc="dy 1.0507... where y >= 0, else dy (y + 1.0507... 1.6732...); y is selu's output.",
)
