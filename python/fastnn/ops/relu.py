"""relu(x) = max(x, 0)."""

from __future__ import annotations

import numpy as np

from ._op import define, not_differentiable
from ._shapes import same

relu = define(
    "relu",
    shape=same,
    gradient=lambda node, dy: (relu_grad(dy, node.outputs[0]),),
    reference=lambda x: np.maximum(x, 0),
    doc="max(x, 0), elementwise. NaN stays NaN. (Nair & Hinton, 2010)",
)

relu_grad = define(
    "relu_grad",
    inputs="dy y",
    shape=same,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=lambda dy, y: np.where(y > 0, dy, np.maximum(y, 0)),
    doc="dy where y > 0, else 0 (NaN where y is); y is relu's output.",
)
