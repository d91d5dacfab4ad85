"""square(x) = x^2."""

from __future__ import annotations

import numpy as np

from ._op import define
from ._shapes import same
from .affine import affine
from .multiply import multiply

square = define(
    "square",
    shape=same,
    gradient=lambda node, dy: (multiply(dy, affine(node.inputs[0], scale=2.0)),),
    reference=lambda x: np.square(x),
    doc="x^2, elementwise.",
)
