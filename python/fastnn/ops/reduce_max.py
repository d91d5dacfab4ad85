"""reduce_max(x, axis): the largest value along one axis."""

from __future__ import annotations

import numpy as np

from ._op import REQUIRED, define
from ._shapes import axis_dims
from .broadcast_axis import broadcast_axis
from .divide import divide
from .heaviside import heaviside
from .multiply import multiply
from .reduce_sum import reduce_sum, reduced, without_axis


def _gradient(node, dy):
    x = node.inputs[0]
    axis = node.attrs["axis"] % x.ndim
    size = x.shape[axis]
    largest = broadcast_axis(without_axis(node.outputs[0], node), axis=axis, size=size)
    chosen = heaviside(x, largest)  # 0.5 at each largest value, 0 elsewhere
    share = divide(without_axis(dy, node), reduce_sum(chosen, axis=axis))
    return (multiply(chosen, broadcast_axis(share, axis=axis, size=size)),)


reduce_max = define(
    "reduce_max",
    attrs={"axis": REQUIRED, "keepdims": False},
    shape=reduced,
    gradient=_gradient,
    reference=lambda x, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims, initial=-np.inf),
    dims=axis_dims,
    flops=lambda node: node.inputs[0].size,
    doc="""The largest value of x along one axis, which goes (`keepdims`: stays with size 1). NaN if
    any is; -inf along an axis of size 0. Where several values are the largest, they share the
    gradient equally.""",
)
