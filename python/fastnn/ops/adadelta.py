"""adadelta: steps measured by the root mean square of the steps before."""

from __future__ import annotations

import numpy as np

from ._op import define
from ._optimizers import STEP, begin


def _reference(p, g, squares, steps, factor, column, clip, rho, epsilon, run):
    p, g, rate = begin(p, g, factor, column, clip, run)
    squares = rho * squares + (1 - rho) * g * g
    step = np.sqrt(steps + epsilon) * g / np.sqrt(squares + epsilon)
    steps = rho * steps + (1 - rho) * step * step
    return p - rate * step, squares, steps


adadelta = define(
    "adadelta",
    inputs="p g squares steps factor?",
    attrs={"column": 0, "clip": 0.0, "rho": 0.95, "epsilon": 1e-7},
    reference=_reference,
    **STEP,
    doc="""squares = rho squares + (1 - rho) g^2; step = g sqrt(steps + epsilon) / sqrt(squares +
    epsilon); steps = rho steps + (1 - rho) step^2; p -= rate step, in place. (Zeiler, 2012)""",
)
