"""check_finite(x): stops a run at the first NaN or infinity."""

from __future__ import annotations

import numpy as np

from ._op import define, not_differentiable
from ._shapes import none


def _reference(x, producer):
    wrong = np.flatnonzero(~np.isfinite(x))
    if wrong.size:
        raise ValueError(
            f"NaN or infinity: element {wrong[0]} of the result of instruction {producer}."
        )
    return ()


check_finite = define(
    "check_finite",
    attrs={"producer": 0},
    shape=none,
    gradient=not_differentiable("it returns nothing"),
    reference=_reference,
    effect=True,
    flops=lambda node: node.inputs[0].size,
    doc="""ValueError where x is not finite; `producer` is the number of the instruction that
    made it.""",
)
