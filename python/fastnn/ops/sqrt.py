"""sqrt(x)."""

from __future__ import annotations

import numpy as np

from ._op import define
from ._shapes import same
from .affine import affine
from .divide import divide

sqrt = define(
    "sqrt",
    shape=same,
    gradient=lambda node, dy: (divide(affine(dy, scale=0.5), node.outputs[0]),),
    reference=lambda x: np.sqrt(x),
    doc="The square root, elementwise; NaN left of zero.",
)
