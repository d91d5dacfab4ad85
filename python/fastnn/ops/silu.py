"""silu(x) = x sigmoid(x), also called swish."""

from __future__ import annotations

import numpy as np

from ._op import define, not_differentiable
from ._shapes import same
from .sigmoid import reference as sigmoid

FAR = 800.0  # beyond it sigmoid is 0 or 1 even in float64; infinity times 0 would be NaN


def _grad_reference(dy, x):
    s = sigmoid(x)
    return dy * (s * (1 + np.clip(x, -FAR, FAR) * (1 - s)))


silu = define(
    "silu",
    shape=same,
    gradient=lambda node, dy: (silu_grad(dy, node.inputs[0]),),
    reference=lambda x: np.maximum(x, -FAR) * sigmoid(x),
    doc="""x / (1 + e^-x), elementwise.
    (Elfwing, Uchibe & Doya, 2017; Ramachandran, Zoph & Le, 2017)""",
)

silu_grad = define(
    "silu_grad",
    inputs="dy x",
    shape=same,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    doc="dy s (1 + x (1 - s)) with s = sigmoid(x).",
)
