"""reshape(x, shape): the same bytes under another shape."""

from __future__ import annotations

import math

import numpy as np

from fastnn.graph.tensor import TensorSpec

from ._op import REQUIRED, define


def _shape(x, shape):
    size, known = math.prod(x.shape), math.prod(d for d in shape if d != -1)
    if list(shape).count(-1) == 1 and known and size % known == 0:
        return TensorSpec(tuple(size // known if d == -1 else d for d in shape), x.dtype)
    if -1 in shape or known != size or any(d < 0 for d in shape):
        raise ValueError(
            f"{tuple(x.shape)} holds {size} elements and cannot become {tuple(shape)}; "
            "one axis may be -1, the others must divide the number of elements."
        )
    return TensorSpec(tuple(shape), x.dtype)


reshape = define(
    "reshape",
    inputs="x:any",
    attrs={"shape": REQUIRED},
    shape=_shape,
    gradient=lambda node, dy: (reshape(dy, node.inputs[0].shape),),
    reference=lambda x, shape: np.reshape(x, shape),
    alias=True,
    flops=lambda node: 0,
    doc="The elements of x, in order, under `shape`; one axis may be -1. Nothing is copied.",
)
