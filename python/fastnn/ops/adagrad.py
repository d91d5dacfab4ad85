"""adagrad: the gradient over the root of the sum of all its squares."""

from __future__ import annotations

import numpy as np

from ._op import define
from ._optimizers import STEP, begin


def _reference(p, g, accumulator, factor, column, clip, epsilon, run):
    p, g, rate = begin(p, g, factor, column, clip, run)
    accumulator = accumulator + g * g
    return p - rate * g / np.sqrt(accumulator + epsilon), accumulator


adagrad = define(
    "adagrad",
    inputs="p g accumulator factor?",
    attrs={"column": 0, "clip": 0.0, "epsilon": 1e-7},
    reference=_reference,
    **STEP,
    doc="""accumulator += g^2; p -= rate g / sqrt(accumulator + epsilon), in place.
    (Duchi, Hazan & Singer, 2011)""",
)
