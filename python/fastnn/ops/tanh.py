"""tanh(x)."""

from __future__ import annotations

import numpy as np

from ._op import define, not_differentiable
from ._shapes import same

tanh = define(
    "tanh",
    shape=same,
    gradient=lambda node, dy: (tanh_grad(dy, node.outputs[0]),),
    reference=lambda x: np.tanh(x),
    doc="The hyperbolic tangent, elementwise.",
)

tanh_grad = define(
    "tanh_grad",
    inputs="dy y",
    shape=same,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=lambda dy, y: dy * ((1 - y) * (1 + y)),
    doc="dy (1 - y^2); y is tanh's output.",
)
