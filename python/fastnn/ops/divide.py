"""divide(a, b) = a / b."""

from __future__ import annotations

from ._broadcast import sum_to
from ._op import define
from ._shapes import broadcast, broadcast_dims
from .affine import affine
from .multiply import multiply


def _gradient(node, dy):
    a, b = node.inputs
    da = divide(dy, b)
    db = affine(multiply(da, node.outputs[0]), scale=-1.0)  # -dy a / b^2
    return sum_to(da, a.shape), sum_to(db, b.shape)


divide = define(
    "divide",
    inputs="a b",
    shape=broadcast,
    gradient=_gradient,
    reference=lambda a, b: a / b,
    dims=broadcast_dims,
    doc="a / b, elementwise; axes of size 1 at either end are broadcast.",
)
