"""sign(x): -1, 0 or 1."""

from __future__ import annotations

import numpy as np

from ._op import define
from ._shapes import same

sign = define(
    "sign",
    shape=same,
    gradient=lambda node, dy: (None,),  # constant but for the jump at 0
    reference=lambda x: np.sign(x),
    doc="1 where x > 0, -1 where x < 0, 0 at 0, elementwise. Its gradient is taken as zero.",
)
