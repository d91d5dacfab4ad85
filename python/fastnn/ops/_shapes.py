"""Shape rules and collapses that many ops share."""

from __future__ import annotations

import math

from fastnn.graph.tensor import TensorSpec


def same(x, *others, **_) -> TensorSpec:
    """The output is like the first input; the others must have its shape."""
    for other in others:
        if other is not None and tuple(other.shape) != tuple(x.shape):
            raise ValueError(f"shapes {tuple(x.shape)} and {tuple(other.shape)} must be equal.")
    return TensorSpec(tuple(x.shape), x.dtype)


def rows_and_columns(shape) -> tuple[int, int]:
    """(product of all but the last, last): how a tensor is seen as a matrix of rows."""
    return math.prod(shape[:-1]), (shape[-1] if shape else 1)


def broadcast_shape(a, b) -> tuple[int, ...]:
    """NumPy's broadcast shape. Raises ValueError when there is none."""
    a, b = tuple(a), tuple(b)
    rank = max(len(a), len(b))
    pa, pb = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    if any(m != n and 1 not in (m, n) for m, n in zip(pa, pb, strict=True)):
        raise ValueError(f"shapes {a} and {b} do not broadcast: each axis must be equal or 1.")
    return tuple(n if m == 1 else m for m, n in zip(pa, pb, strict=True))


def collapse(a, b) -> dict[str, int]:
    """Dims ar ac br bc r c of a broadcasting kernel: the output as a matrix [r, c], split at an axis
    where each operand is, on either side, either full or all ones.

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
        }
        if None not in sides.values():
            return sides
    raise ValueError(
        f"shapes {a} and {b}: this broadcast is not supported (the axes of size 1 must be the first "
        "or the last ones). Reshape the operands, or expand one of them first."
    )


def around_axis(shape, axis: int) -> dict[str, int]:
    """Dims outer, axis, inner of a kernel that works along `axis`."""
    axis %= len(shape)
    return {
        "outer": math.prod(shape[:axis]),
        "axis": shape[axis],
        "inner": math.prod(shape[axis + 1 :]),
    }
