"""matmul(a, b): the matrix product, with either operand transposed."""

from __future__ import annotations

from fastnn.graph.tensor import TensorSpec
from fastnn.precision import HIGHEST, MEDIUM, PRECISIONS, check_precision, precision_in_force

from ._bf16 import round_to_bf16
from ._op import define


def product_shape(a, b, transpose_a, transpose_b):
    """(m, k, n) of op(a) [m, k] @ op(b) [k, n]."""
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise ValueError(
            f"two matrices are due, shapes {a.shape} and {b.shape} came. "
            "Reshape leading axes into one first."
        )
    if transpose_a and transpose_b:
        raise ValueError("both operands transposed: compute (b @ a) and transpose that.")
    m, k = a.shape[::-1] if transpose_a else a.shape
    k2, n = b.shape[::-1] if transpose_b else b.shape
    if k != k2:
        raise ValueError(
            f"inner sizes differ, {k} and {k2}: shapes {a.shape} and {b.shape} with "
            f"transpose_a={transpose_a}, transpose_b={transpose_b}."
        )
    return m, k, n


def _shape(a, b, transpose_a, transpose_b, precision):
    check_precision("`precision`", precision or HIGHEST)
    m, _, n = product_shape(a, b, transpose_a, transpose_b)
    return TensorSpec((m, n), a.dtype)


def _gradient(node, dc):
    a, b = node.inputs
    ta, tb = node.attrs["transpose_a"], node.attrs["transpose_b"]

    def product(x, y, transpose_x, transpose_y):
        return matmul(x, y, transpose_x, transpose_y, node.attrs["precision"])

    da = product(b, dc, tb, True) if ta else product(dc, b, False, not tb)
    db = product(dc, a, True, ta) if tb else product(a, dc, not ta, False)
    return da, db


def form(node) -> str:
    """The opcode of a (fused) product."""
    return f"matmul_{'nt'[node.attrs['transpose_a']]}{'nt'[node.attrs['transpose_b']]}"


def flops(node) -> int:
    a, b = node.inputs[:2]
    m, k, n = product_shape(a, b, node.attrs["transpose_a"], node.attrs["transpose_b"])
    return 2 * m * n * k


def precision_number(node) -> int:
    """The native attribute `precision`."""
    return PRECISIONS.index(node.attrs["precision"])


def reference(a, b, transpose_a, transpose_b, precision):
    """Its inputs are rounded where the precision is medium; high is taken for exact."""
    if precision == MEDIUM:
        a, b = round_to_bf16(a), round_to_bf16(b)
    return (a.T if transpose_a else a) @ (b.T if transpose_b else b)


matmul = define(
    "matmul",
    inputs="a b",
    attrs={"transpose_a": False, "transpose_b": False, "precision": None},
    settings={"precision": precision_in_force},
    shape=_shape,
    gradient=_gradient,
    reference=reference,
    opcode=form,
    native_attrs=lambda node: {
        "activation": 0,
        "alpha": 0,
        "precision": precision_number(node),
    },
    flops=flops,
    doc="""op(a) [m, k] @ op(b) [k, n] -> [m, n], float32; op transposes where asked. `precision`:
    "highest", "high" or "medium"; by default what `fastnn.set_matmul_precision` has set.""",
)
