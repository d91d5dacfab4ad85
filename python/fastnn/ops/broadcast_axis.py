"""broadcast_axis(x, axis, size): x repeated along a new axis; what reduce_sum undoes."""

from __future__ import annotations

import numpy as np

from fastnn.graph.tensor import TensorSpec

from ._op import REQUIRED, define
from ._shapes import around_axis, check_axis
from .reduce_sum import reduce_sum


def _shape(x, axis, size, scale):
    axis = check_axis(axis, len(x.shape) + 1)
    if size < 0:
        raise ValueError(f"size must not be negative, {size} came.")
    return TensorSpec((*x.shape[:axis], size, *x.shape[axis:]), x.dtype)


def _reference(x, axis, size, scale):
    return np.repeat(np.expand_dims(x, axis) * scale, size, axis)


broadcast_axis = define(
    "broadcast_axis",
    attrs={"axis": REQUIRED, "size": REQUIRED, "scale": 1.0},
    shape=_shape,
    gradient=lambda node, dy: (reduce_sum(dy, axis=node.attrs["axis"], scale=node.attrs["scale"]),),
    reference=_reference,
    dims=lambda node: around_axis(node.outputs[0].shape, node.attrs["axis"]),
    doc="scale x, repeated `size` times along a new axis that stands at `axis` in the result.",
)
