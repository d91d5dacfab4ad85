"""log_softmax(x): the logarithm of softmax, where small probabilities do not round to 0."""

from __future__ import annotations

import numpy as np

from ._op import define, not_differentiable
from ._shapes import along_axis, axis_dims


def reference(x, axis=-1):
    """Shifted by the largest value, so that nothing overflows."""
    x = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    return x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True))


log_softmax = define(
    "log_softmax",
    attrs={"axis": -1},
    shape=along_axis,
    gradient=lambda node, dy: (log_softmax_grad(dy, node.outputs[0], **node.attrs),),
    reference=reference,
    dims=axis_dims,
    flops=lambda node: 4 * node.outputs[0].size,
    doc="x - log(sum(e^x)) along `axis`.",
)

log_softmax_grad = define(
    "log_softmax_grad",
    inputs="dy y",
    attrs={"axis": -1},
    shape=along_axis,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=lambda dy, y, axis: dy - np.exp(y) * np.sum(dy, axis=axis, keepdims=True),
    dims=axis_dims,
    flops=lambda node: 4 * node.outputs[0].size,
    doc="dy - e^y sum(dy) along `axis`; y is log_softmax's output.",
)
