"""Shape rules, and the dims of kernels, that many ops share."""

from __future__ import annotations

import math
import operator

from fastnn.graph.tensor import TensorSpec


def same(x, *others, **_) -> TensorSpec:
    """The output is like the first input; the others must have its shape."""
    for other in others:
        if other is not None and tuple(other.shape) != tuple(x.shape):
            raise ValueError(f"shapes {tuple(x.shape)} and {tuple(other.shape)} must be equal.")
    return TensorSpec(tuple(x.shape), x.dtype)


def none(*_, **__) -> list[TensorSpec]:
    """No output: the op works in place."""
    return []


# ---- broadcasting


def broadcast_shape(a, b) -> tuple[int, ...]:
    """NumPy's broadcast shape. Raises ValueError when there is none."""
    a, b = tuple(a), tuple(b)
    rank = max(len(a), len(b))
    pa, pb = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    if any(m != n and 1 not in (m, n) for m, n in zip(pa, pb, strict=True)):
        raise ValueError(f"shapes {a} and {b} do not broadcast: each axis must be equal or 1.")
    return tuple(n if m == 1 else m for m, n in zip(pa, pb, strict=True))


def collapse(a, b) -> dict[str, int]:
    """Dims ar ac br bc r c of a broadcasting kernel: the output as a matrix [r, c], split at an
    axis where each operand is, on either side, either full or all ones.

    Raises ValueError for mixed patterns such as (3, 1, 4) with (1, 2, 4).
    """
    out = broadcast_shape(a, b)
    a, b = ((1,) * (len(out) - len(s)) + tuple(s) for s in (a, b))

    def extent(part, full):
        return math.prod(full) if part == full else 1 if math.prod(part) == 1 else None

    for p in range(len(out) + 1):
        sides = {
            "ar": extent(a[:p], out[:p]), "ac": extent(a[p:], out[p:]),
            "br": extent(b[:p], out[:p]), "bc": extent(b[p:], out[p:]),
            "r": math.prod(out[:p]), "c": math.prod(out[p:]),
        }  # fmt: skip
        if None not in sides.values():
            return sides
    raise ValueError(
        f"shapes {a} and {b}: this broadcast is not supported (the axes of size 1 must be the "
        "first or the last ones). Reshape the operands, or expand one of them first."
    )


def broadcast(a, b) -> TensorSpec:
    """Shape rule of a binary elementwise op."""
    collapse(a.shape, b.shape)
    return TensorSpec(broadcast_shape(a.shape, b.shape), a.dtype)


def broadcast_dims(node) -> dict[str, int]:
    """`collapse` of a node's two inputs."""
    return collapse(node.inputs[0].shape, node.inputs[1].shape)


# ---- ops along one axis


def check_axis(axis, rank: int) -> int:
    """`axis` counted from the front. Raises ValueError when a tensor of `rank` has no such axis."""
    try:
        index = operator.index(axis)
    except TypeError:
        raise ValueError(f"axis must be a whole number, {axis!r} came.") from None
    if not -rank <= index < rank:
        raise ValueError(f"axis {index} is out of range for a tensor with {rank} axes.")
    return index % rank


def along_axis(x, *others, axis) -> TensorSpec:
    """`same`, for ops that work along an axis."""
    check_axis(axis, len(x.shape))
    return same(x, *others)


def around_axis(shape, axis: int) -> dict[str, int]:
    """Dims outer, axis, inner of a kernel that works along `axis`."""
    axis %= len(shape)
    return {
        "outer": math.prod(shape[:axis]),
        "axis": shape[axis],
        "inner": math.prod(shape[axis + 1 :]),
    }


def axis_dims(node) -> dict[str, int]:
    """`around_axis` of a node's first input and its attribute `axis`."""
    return around_axis(node.inputs[0].shape, node.attrs["axis"])


# ---- losses and metrics: a tensor as rows along its last axis


def rows(target, prediction, **_) -> TensorSpec:
    """One value for each row of (..., classes); the target has the prediction's shape."""
    if not prediction.shape:
        raise ValueError("the prediction must have at least one axis, shape () came.")
    if tuple(target.shape) != tuple(prediction.shape):
        raise ValueError(
            f"target {tuple(target.shape)} and prediction {tuple(prediction.shape)} must have the "
            "same shape. Class numbers need the sparse form, or one_hot."
        )
    return TensorSpec(tuple(prediction.shape[:-1]), prediction.dtype)


def labelled_rows(labels, prediction, **_) -> TensorSpec:
    """One value for each row of (..., classes); the labels are class numbers of shape (...)."""
    if not prediction.shape:
        raise ValueError("the prediction must have at least one axis, shape () came.")
    if tuple(labels.shape) != tuple(prediction.shape[:-1]):
        raise ValueError(
            f"labels {tuple(labels.shape)} do not fit the prediction {tuple(prediction.shape)}: "
            f"one label a row, shape {tuple(prediction.shape[:-1])}, is due."
        )
    return TensorSpec(tuple(prediction.shape[:-1]), prediction.dtype)


def rows_grad(target, prediction, drows, **_) -> TensorSpec:
    """Like the prediction; `drows` is the gradient of the rows' values."""
    if tuple(drows.shape) != tuple(prediction.shape[:-1]):
        raise ValueError(
            f"drows {tuple(drows.shape)} must be one value a row of {tuple(prediction.shape)}."
        )
    return TensorSpec(tuple(prediction.shape), prediction.dtype)
