"""log(x), to the base e."""

from __future__ import annotations

import numpy as np

from ._op import define
from ._shapes import same
from .divide import divide

log = define(
    "log",
    shape=same,
    gradient=lambda node, dy: (divide(dy, node.inputs[0]),),
    reference=lambda x: np.log(x),
    doc="The natural logarithm, elementwise; -inf at 0, NaN left of it.",
)
