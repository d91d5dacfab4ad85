"""rmsprop: the gradient over the root of its mean square."""

from __future__ import annotations

import numpy as np

from ._op import define
from ._optimizers import STEP, begin, present


def _reference(p, g, v, velocity, mean, factor, column, clip, rho, momentum, epsilon, run):
    p, g, rate = begin(p, g, factor, column, clip, run)
    v = rho * v + (1 - rho) * g * g
    spread = v
    if mean is not None:
        mean = rho * mean + (1 - rho) * g
        spread = v - mean * mean
    step = rate * g / np.sqrt(spread + epsilon)
    if velocity is not None:
        velocity = step = momentum * velocity + step
    return present(p - step, v, velocity, mean)


rmsprop = define(
    "rmsprop",
    inputs="p g v velocity? mean? factor?",
    attrs={"column": 0, "clip": 0.0, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7},
    reference=_reference,
    **STEP,
    doc="""v = rho v + (1 - rho) g^2; p -= rate g / sqrt(v + epsilon), in place. With a mean (the
    centered form): mean = rho mean + (1 - rho) g, and v - mean^2 stands for v in the root. With a
    velocity: velocity = momentum velocity + step; p -= velocity. (Tieleman & Hinton, 2012; the
    epsilon inside the root is Keras')""",
)
