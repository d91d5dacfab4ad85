"""fill(shape, value): one number everywhere."""

from __future__ import annotations

import numpy as np

from fastnn.graph.tensor import TensorSpec

from ._op import REQUIRED, define, not_differentiable

fill = define(
    "fill",
    inputs="",
    attrs={"shape": REQUIRED, "value": 0.0},
    shape=lambda shape, value: TensorSpec(tuple(shape)),
    gradient=not_differentiable("it has no inputs"),
    reference=lambda shape, value, run: np.full(shape, value, run.float),
    run=True,
    doc="A tensor of `shape` filled with `value`.",
)
