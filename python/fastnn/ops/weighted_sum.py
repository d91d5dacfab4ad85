"""weighted_sum(values, weights): all values to one number; how rows become a loss."""

from __future__ import annotations

import numpy as np

from fastnn.graph.tensor import TensorSpec

from ._op import REQUIRED, define, not_differentiable
from ._shapes import same
from .divide import divide
from .multiply import multiply
from .subtract import subtract


def _shape(values, weights, divisor):
    same(values, weights)
    return TensorSpec((), values.dtype)


def _grad_shape(dy, weights, shape, divisor):
    if weights is not None and tuple(weights.shape) != tuple(shape):
        raise ValueError(f"weights {tuple(weights.shape)} must have the shape {tuple(shape)}.")
    return TensorSpec(tuple(shape), dy.dtype)


def _total_weight(weights, count, divisor):
    """What the sum is divided by; infinity in place of 0, so that the result is 0, not NaN."""
    if divisor == 0:
        divisor = count if weights is None else np.sum(weights)
    return divisor if divisor != 0 else np.inf


def _gradient(node, dy):
    values, weights = node.inputs
    divisor = node.attrs["divisor"]
    dvalues = weighted_sum_grad(dy, weights, shape=values.shape, divisor=divisor)
    if weights is None:
        return dvalues, None
    if divisor != 0:
        return dvalues, weighted_sum_grad(dy, values, shape=values.shape, divisor=divisor)
    total = weighted_sum(weights, divisor=1.0)
    return dvalues, multiply(subtract(values, node.outputs[0]), divide(dy, total))


def _reference(values, weights, divisor):
    total = np.sum(values if weights is None else values * weights)
    return (total / _total_weight(weights, values.size, divisor)).astype(values.dtype)


def _grad_reference(dy, weights, shape, divisor):
    factor = dy / _total_weight(weights, np.prod(shape), divisor)
    return np.full(shape, factor, dy.dtype) if weights is None else (factor * weights)


weighted_sum = define(
    "weighted_sum",
    inputs="values weights?",
    attrs={"divisor": 1.0},
    shape=_shape,
    gradient=_gradient,
    reference=_reference,
    flops=lambda node: 2 * node.inputs[0].size,
    doc="""sum(values * weights) / divisor, shape (). Without weights they are 1; a divisor of 0
    stands for the sum of the weights, and where that is 0 the result is 0.""",
)

weighted_sum_grad = define(
    "weighted_sum_grad",
    inputs="dy weights?",
    attrs={"shape": REQUIRED, "divisor": 1.0},
    shape=_grad_shape,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    doc="dy * weights / divisor, in `shape`.",
)
