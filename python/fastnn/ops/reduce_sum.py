"""reduce_sum(x, axis): the sum along one axis, times a number."""

from __future__ import annotations

import numpy as np

from fastnn.graph.tensor import TensorSpec

from ._op import REQUIRED, define
from ._shapes import axis_dims, check_axis
from .reshape import reshape


def reduced(x, axis, keepdims, **_) -> TensorSpec:
    """Shape rule of a reduction along one axis."""
    axis = check_axis(axis, len(x.shape))
    return TensorSpec((*x.shape[:axis], *(1,) * keepdims, *x.shape[axis + 1 :]), x.dtype)


def without_axis(t, node):
    """`t`, shaped like the node's output or its gradient, without the axis that keepdims left."""
    shape = list(node.inputs[0].shape)
    del shape[node.attrs["axis"]]
    return reshape(t, tuple(shape)) if node.attrs["keepdims"] else t


def _gradient(node, dy):
    from .broadcast_axis import broadcast_axis

    axis, size = node.attrs["axis"], node.inputs[0].shape[node.attrs["axis"]]
    axis %= node.inputs[0].ndim
    dy = without_axis(dy, node)
    return (broadcast_axis(dy, axis=axis, size=size, scale=node.attrs["scale"]),)


def _reference(x, axis, scale, keepdims):
    return (np.sum(x, axis=axis, keepdims=keepdims) * scale).astype(x.dtype)


reduce_sum = define(
    "reduce_sum",
    attrs={"axis": REQUIRED, "scale": 1.0, "keepdims": False},
    shape=reduced,
    gradient=_gradient,
    reference=_reference,
    dims=axis_dims,
    flops=lambda node: node.inputs[0].size,
    doc="""scale times the sum of x along one axis, which goes (`keepdims`: stays with size 1).
    ops.sum and ops.mean take several axes.""",
)
