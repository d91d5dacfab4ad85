"""softplus(x) = log(1 + e^x)."""

from __future__ import annotations

import numpy as np

from ._op import define, not_differentiable
from ._shapes import same

softplus = define(
    "softplus",
    shape=same,
    gradient=lambda node, dy: (softplus_grad(dy, node.outputs[0]),),
    reference=lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    doc="log(1 + e^x), elementwise; large x do not overflow. (Dugas et al., 2001)",
)

softplus_grad = define(
    "softplus_grad",
    inputs="dy y",
    shape=same,
    gradient=not_differentiable("second derivatives are not supported"),
    # The slope is sigmoid(x) = 1 - e^-y, and the output y is at hand.
    reference=lambda dy, y: -dy * np.expm1(-y),
    doc="dy (1 - e^-y); y is softplus' output.",
)
