"""softmax(x): e^x, scaled so that it sums to 1 along an axis."""

from __future__ import annotations

import numpy as np

from ._op import define, not_differentiable
from ._shapes import along_axis, axis_dims


def reference(x, axis=-1):
    """Shifted by the largest value, so that nothing overflows."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    return e / np.sum(e, axis=axis, keepdims=True)


softmax = define(
    "softmax",
    attrs={"axis": -1},
    shape=along_axis,
    gradient=lambda node, dy: (softmax_grad(dy, node.outputs[0], **node.attrs),),
    reference=reference,
    dims=axis_dims,
    flops=lambda node: 4 * node.outputs[0].size,
    doc="e^x / sum(e^x) along `axis`.",
)

softmax_grad = define(
    "softmax_grad",
    inputs="dy y",
    attrs={"axis": -1},
    shape=along_axis,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=lambda dy, y, axis: y * (dy - np.sum(dy * y, axis=axis, keepdims=True)),
    dims=axis_dims,
    flops=lambda node: 4 * node.outputs[0].size,
    doc="y (dy - sum(dy y)) along `axis`; y is softmax's output.",
)
