"""square_sums(x): the sums of squares of fixed blocks, on the way to a norm."""

from __future__ import annotations

import math

import numpy as np

from fastnn.graph.tensor import TensorSpec

from ._op import define, not_differentiable

BLOCK = 4096


def _reference(x):
    flat = np.square(np.ravel(x))
    return np.add.reduceat(flat, range(0, flat.size, BLOCK)) if flat.size else flat


square_sums = define(
    "square_sums",
    shape=lambda x: TensorSpec((-(-math.prod(x.shape) // BLOCK),), x.dtype),
    gradient=not_differentiable("it measures gradients, after they are made"),
    reference=_reference,
    flops=lambda node: 2 * node.inputs[0].size,
    doc="""x, of any shape -> (blocks,): the sum of squares of each 4096 elements in a row. The
    blocks do not depend on the number of threads, so neither does a norm made of them.""",
)
