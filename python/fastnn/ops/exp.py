"""exp(x)."""

from __future__ import annotations

import numpy as np

from ._op import define
from ._shapes import same
from .multiply import multiply

exp = define(
    "exp",
    shape=same,
    gradient=lambda node, dy: (multiply(dy, node.outputs[0]),),
    reference=lambda x: np.exp(x),
    doc="e^x, elementwise.",
)
