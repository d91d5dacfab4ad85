"""maximum(a, b): the larger of the two."""

from __future__ import annotations

import numpy as np

from ._broadcast import sum_to
from ._op import define
from ._shapes import broadcast, broadcast_dims
from .heaviside import heaviside
from .multiply import multiply


def _gradient(node, dy):
    a, b = node.inputs
    da = multiply(dy, heaviside(a, b))
    db = multiply(dy, heaviside(b, a))
    return sum_to(da, a.shape), sum_to(db, b.shape)


maximum = define(
    "maximum",
    inputs="a b",
    shape=broadcast,
    gradient=_gradient,
    reference=lambda a, b: np.maximum(a, b),
    dims=broadcast_dims,
    doc="""The larger of a and b, elementwise, with broadcasting; NaN wins. The gradient goes to the
    one chosen, and half to each where they are equal.""",
)
