"""add(a, b) = a + b."""

from __future__ import annotations

from ._broadcast import sum_to
from ._op import define
from ._shapes import broadcast, broadcast_dims

add = define(
    "add",
    inputs="a b",
    shape=broadcast,
    gradient=lambda node, dy: tuple(sum_to(dy, t.shape) for t in node.inputs),
    reference=lambda a, b: a + b,
    dims=broadcast_dims,
    doc="a + b, elementwise; axes of size 1 at either end are broadcast.",
)
