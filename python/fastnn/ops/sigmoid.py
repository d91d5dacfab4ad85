"""sigmoid(x) = 1 / (1 + e^-x)."""

from __future__ import annotations

import numpy as np

from ._op import define, not_differentiable
from ._shapes import same


def reference(x):
    """From e^-|x|, which cannot overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


sigmoid = define(
    "sigmoid",
    shape=same,
    gradient=lambda node, dy: (sigmoid_grad(dy, node.outputs[0]),),
    reference=reference,
    doc="1 / (1 + e^-x), elementwise.",
)

sigmoid_grad = define(
    "sigmoid_grad",
    inputs="dy y",
    shape=same,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=lambda dy, y: dy * (y * (1 - y)),
    doc="dy y (1 - y); y is sigmoid's output.",
)
