"""minimum(a, b): the smaller of the two."""

from __future__ import annotations

import numpy as np

from ._broadcast import sum_to
from ._op import define
from ._shapes import broadcast, broadcast_dims
from .heaviside import heaviside
from .multiply import multiply


def _gradient(node, dy):
    a, b = node.inputs
    da = multiply(dy, heaviside(b, a))
    db = multiply(dy, heaviside(a, b))
    return sum_to(da, a.shape), sum_to(db, b.shape)


minimum = define(
    "minimum",
    inputs="a b",
    shape=broadcast,
    gradient=_gradient,
    reference=lambda a, b: np.minimum(a, b),
    dims=broadcast_dims,
    doc="""The smaller of a and b, elementwise, with broadcasting; NaN wins. The gradient goes
    to the one chosen, and half to each where they are equal.""",
)
