"""The way back of broadcasting: an operand's gradient sums over the axes it was spread along."""

from __future__ import annotations

from ._shapes import collapse
from .reduce_sum import reduce_sum
from .reshape import reshape


def sum_to(x, shape):
    """Sums x over the axes along which an operand of `shape` was broadcast to x's shape."""
    if x.shape == shape:
        return x
    dims = collapse(shape, x.shape)
    rows, columns = dims["r"], dims["c"]
    over_rows, over_columns = dims["ar"] < rows, dims["ac"] < columns
    if over_rows and over_columns:
        x = reduce_sum(_as(x, (x.size,)), axis=0)
    elif over_rows:
        x = reduce_sum(_as(x, (rows, columns)), axis=0)
    elif over_columns:
        x = reduce_sum(_as(x, (rows, columns)), axis=1)
    return _as(x, shape)


def _as(x, shape):
    return x if x.shape == shape else reshape(x, shape)
