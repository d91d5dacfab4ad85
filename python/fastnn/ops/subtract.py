"""subtract(a, b) = a - b."""

from __future__ import annotations

from ._broadcast import sum_to
from ._op import define
from ._shapes import broadcast, broadcast_dims
from .affine import affine


def _gradient(node, dy):
    a, b = node.inputs
    return sum_to(dy, a.shape), affine(sum_to(dy, b.shape), scale=-1.0)


subtract = define(
    "subtract",
    inputs="a b",
    shape=broadcast,
    gradient=_gradient,
    reference=lambda a, b: a - b,
    dims=broadcast_dims,
    doc="a - b, elementwise; axes of size 1 at either end are broadcast.",
)
