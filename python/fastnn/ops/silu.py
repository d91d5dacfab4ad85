"""silu(x) = x sigmoid(x), also called swish."""

from __future__ import annotations

from ._op import define, not_differentiable
from ._shapes import same
from .sigmoid import reference as sigmoid


def _grad_reference(dy, x):
    s = sigmoid(x)
    return dy * (s * (1 + x * (1 - s)))


silu = define(
    "silu",
    shape=same,
    gradient=lambda node, dy: (silu_grad(dy, node.inputs[0]),),
    reference=lambda x: x * sigmoid(x),
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
