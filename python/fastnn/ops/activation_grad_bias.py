"""activation_grad_bias(dy, saved): an activation's gradient and the bias gradient in one pass."""

from __future__ import annotations

import numpy as np

from fastnn.graph.tensor import TensorSpec

from ._activations import activation_attrs, apply_grad, check_activation
from ._op import define, not_differentiable
from ._shapes import same


def _shape(dy, saved, activation, alpha):
    check_activation(activation)
    if len(dy.shape) != 2:
        raise ValueError(f"dy must be a matrix, shape {tuple(dy.shape)} came.")
    if saved is None and activation != "linear":
        raise ValueError(f"{activation} needs `saved`, its output (its input for gelu and silu).")
    return [same(dy, saved), TensorSpec(tuple(dy.shape[1:]), dy.dtype)]


def _reference(dy, saved, activation, alpha):
    dz = apply_grad(activation, dy, saved, alpha)
    return dz, np.sum(dz, axis=0)


activation_grad_bias = define(
    "activation_grad_bias",
    inputs="dy saved?",
    attrs={"activation": "linear", "alpha": 0.0},
    shape=_shape,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_reference,
    native_attrs=activation_attrs,
    flops=lambda node: 4 * node.inputs[0].size,
    doc="""(r, c) -> dz (r, c), db (c,): dz = dy act'(saved), db = its sums over the rows.
    `saved` is the activation's output, or its input for gelu, gelu_tanh and silu.""",
)
