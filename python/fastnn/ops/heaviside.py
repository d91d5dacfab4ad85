"""heaviside(a, b): the step function of a - b, the gradient of maximum and minimum."""

from __future__ import annotations

import numpy as np

from ._op import define
from ._shapes import broadcast, broadcast_dims


def _reference(a, b):
    step = np.where(a == b, 0.5, a > b)
    return np.where(np.isnan(a) | np.isnan(b), np.nan, step).astype(np.result_type(a, b))


heaviside = define(
    "heaviside",
    inputs="a b",
    shape=broadcast,
    gradient=lambda node, dy: (None, None),  # constant but for the jump
    reference=_reference,
    dims=broadcast_dims,
    doc="""1 where a > b, 0.5 where a equals b, 0 elsewhere (NaN where either is NaN), with
    broadcasting. Its gradient is taken as zero.""",
)
