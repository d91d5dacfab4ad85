"""linear(x, w, bias, saved): a matrix product with bias and activation, or with the derivative of
one, in one kernel. The planner makes it."""

from __future__ import annotations

from fastnn.graph.tensor import TensorSpec
from fastnn.precision import precision_in_force

from ._activations import activation_attrs, apply, apply_grad, check_activation
from ._op import define, not_differentiable
from .matmul import flops, form, precision_number, product_shape
from .matmul import reference as product


def _shape(x, w, bias, saved, transpose_a, transpose_b, precision, activation, alpha, keep):
    m, _, n = product_shape(x, w, transpose_a, transpose_b)
    check_activation(activation)
    if bias is not None and tuple(bias.shape) != (n,):
        raise ValueError(f"bias must have shape ({n},), {tuple(bias.shape)} came.")
    if saved is not None and tuple(saved.shape) != (m, n):
        raise ValueError(f"saved must have shape ({m}, {n}), {tuple(saved.shape)} came.")
    return [TensorSpec((m, n), x.dtype)] * (2 if keep else 1)


def _reference(x, w, bias, saved, transpose_a, transpose_b, precision, activation, alpha, keep):
    z = product(x, w, transpose_a, transpose_b, precision)
    if bias is not None:
        z = z + bias
    y = apply(activation, z, alpha) if saved is None else apply_grad(activation, z, saved, alpha)
    return (y, z) if keep else y


linear = define(
    "linear",
    inputs="x w bias? saved?",
    attrs={
        "transpose_a": False,
        "transpose_b": False,
        "precision": None,
        "activation": "linear",
        "alpha": 0.0,
        "keep": False,
    },
    settings={"precision": precision_in_force},
    shape=_shape,
    gradient=not_differentiable("it is made after differentiation; use matmul, add, activation"),
    reference=_reference,
    opcode=form,
    native_attrs=lambda node: {**activation_attrs(node), "precision": precision_number(node)},
    flops=flops,
    doc="""act(z), z = op(x) [m, k] @ op(w) [k, n] + bias [n] -> [m, n]; with `saved` [m, n], the
    activation's output (its input for gelu, gelu_tanh and silu), z act'(saved). `alpha` is that of
    leaky_relu and elu. `keep`: also returns z.""",
)
