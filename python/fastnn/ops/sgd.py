"""sgd: gradient descent, with momentum and Nesterov's form of it."""

from __future__ import annotations

from ._op import define
from ._optimizers import STEP, begin


def _reference(p, g, velocity, factor, column, clip, momentum, nesterov, run):
    p, g, rate = begin(p, g, factor, column, clip, run)
    if velocity is None:
        return (p - rate * g,)
    velocity = momentum * velocity - rate * g
    return p + (momentum * velocity - rate * g if nesterov else velocity), velocity


sgd = define(
    "sgd",
    inputs="p g velocity? factor?",
    attrs={"column": 0, "clip": 0.0, "momentum": 0.0, "nesterov": False},
    reference=_reference,
    **STEP,
    doc="""p -= rate g, in place. With a velocity: v = momentum v - rate g; p += v, or with
    `nesterov` p += momentum v - rate g. (Sutskever et al., 2013)""",
)
