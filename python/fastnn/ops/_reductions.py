"""sum and mean over several axes, written in ops: they are no records of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ._shapes import check_axis
from .reduce_sum import reduce_sum
from .weighted_sum import weighted_sum


def sum(x, axis: int | Iterable[int] | None = None, keepdims: bool = False):
    """The sum of x, float32, over `axis`: one, several, or (None) all of them.

    Raises ValueError for an axis that x does not have, or that is named twice.
    """
    return _reduce("sum", x, axis, keepdims, mean=False)


def mean(x, axis: int | Iterable[int] | None = None, keepdims: bool = False):
    """The mean of x, float32, over `axis`: one, several, or (None) all of them.

    Raises ValueError for an axis that x does not have, or that is named twice, and for the mean of
    no elements.
    """
    return _reduce("mean", x, axis, keepdims, mean=True)


def _reduce(name, x, axis, keepdims, mean):
    if not hasattr(x, "shape"):
        x = np.asarray(x)
    rank = len(x.shape)
    axes = range(rank) if axis is None else [axis] if np.ndim(axis) == 0 else list(axis)
    try:
        axes = [check_axis(a, rank) for a in axes]
    except ValueError as error:
        raise ValueError(f"ops.{name}: {error}") from None
    if len(set(axes)) < len(axes):
        raise ValueError(f"ops.{name}: an axis is named twice in {axis}.")
    count = math.prod(x.shape[a] for a in axes)
    if mean and count == 0:
        raise ValueError(f"ops.{name}: the mean of no elements (shape {tuple(x.shape)}).")
    scale = 1 / count if mean else 1.0
    if len(axes) == rank and not keepdims:
        return weighted_sum(x, divisor=count if mean else 1.0)
    for a in sorted(axes, reverse=True):
        x = reduce_sum(x, axis=a, scale=scale, keepdims=keepdims)
        scale = 1.0
    return x
