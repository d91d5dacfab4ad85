"""What the optimizer steps share.

Every step first makes the gradient it uses and decays the parameter:

    g = clip(gradient * factor, -clip, clip)     factor: an input, 1 if absent; clip 0: no clipping
    p = p - p * decay

`run.scalars[column]` is this step's rate, `[column + 1]` its decay (rate * weight decay, or 0);
what else stands there is said at the op. t counts from 1 at the first step.
"""

from __future__ import annotations

import math

import numpy as np

from ._op import not_differentiable
from ._shapes import same


def _shape(p, g, *slots_and_factor, **_):
    *slots, factor = slots_and_factor
    same(p, g, *slots)
    if factor is not None and math.prod(factor.shape) != 1:
        raise ValueError(f"factor must be one number, shape {tuple(factor.shape)} came.")
    return []


STEP = {
    "shape": _shape,
    "gradient": not_differentiable("an optimizer's step"),
    "effect": True,
    "run": True,
    "flops": lambda node: 12 * node.inputs[0].size,
}


def begin(p, g, factor, column, clip, run):
    """(decayed parameter, gradient to use, this step's rate)."""
    if factor is not None:
        g = g * factor
    if clip > 0:
        g = np.clip(g, -clip, clip)
    rate, decay = run.scalars[column], run.scalars[column + 1]
    return p - p * decay, g, rate


def present(*values):
    """The new values of the operands that are there."""
    return tuple(v for v in values if v is not None)
