"""multiply(a, b) = a b, elementwise."""

from __future__ import annotations

from ._broadcast import sum_to
from ._op import define
from ._shapes import broadcast, broadcast_dims


def _gradient(node, dy):
    a, b = node.inputs
    return sum_to(multiply(dy, b), a.shape), sum_to(multiply(dy, a), b.shape)


multiply = define(
    "multiply",
    inputs="a b",
    shape=broadcast,
    gradient=_gradient,
    reference=lambda a, b: a * b,
    dims=broadcast_dims,
    doc="a b, elementwise; axes of size 1 at either end are broadcast.",
)
