"""linear(x, w, bias): matrix product, bias and activation in one kernel. The planner makes it."""

from __future__ import annotations

from fastnn.graph.tensor import TensorSpec
from fastnn.precision import precision_in_force

from ._activations import activation_attrs, apply, check_activation
from ._op import define, not_differentiable
from .matmul import flops, form, precision_number, product_shape
from .matmul import reference as product


def _shape(x, w, bias, transpose_a, transpose_b, precision, activation, alpha, keep):
    m, _, n = product_shape(x, w, transpose_a, transpose_b)
    check_activation(activation)
    if bias is not None and tuple(bias.shape) != (n,):
        raise ValueError(f"bias must have shape ({n},), {tuple(bias.shape)} came.")
    return [TensorSpec((m, n), x.dtype)] * (2 if keep else 1)


def _reference(x, w, bias, transpose_a, transpose_b, precision, activation, alpha, keep):
    z = product(x, w, transpose_a, transpose_b, precision)
    if bias is not None:
        z = z + bias
    y = apply(activation, z, alpha)
    return (y, z) if keep else y


linear = define(
    "linear",
    inputs="x w bias?",
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
    doc="""act(op(x) [m, k] @ op(w) [k, n] + bias [n]) -> [m, n]. `alpha` is that of leaky_relu and
    elu. `keep`: also returns the value before the activation.""",
)
