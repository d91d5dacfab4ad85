"""abs(x) = |x|."""

from __future__ import annotations

import numpy as np

from ._op import define
from ._shapes import same
from .multiply import multiply
from .sign import sign

abs = define(
    "abs",
    shape=same,
    gradient=lambda node, dy: (multiply(dy, sign(node.inputs[0])),),
    reference=lambda x: np.abs(x),
    doc="|x|, elementwise. The gradient at 0 is 0.",
)
