"""scatter_rows(x, target): writes a minibatch's rows (predictions) to their place in an array."""

from __future__ import annotations

import math

from ._op import define, not_differentiable


def _shape(x, target):
    if not x.shape or tuple(x.shape[1:]) != tuple(target.shape[1:]):
        raise ValueError(
            f"rows of {tuple(x.shape)} do not fit into {tuple(target.shape)}: all axes but the "
            "first must be equal."
        )
    return []


def _reference(x, target, run):
    """Writes into `target` itself: it may be a large array, of which each step fills a few rows."""
    rows = slice(run.row, run.row + len(x))
    if run.row < 0 or rows.stop > len(target):
        raise IndexError(f"rows {rows.start} to {rows.stop} of {len(target)} were to be written.")
    target[rows] = x
    return target


scatter_rows = define(
    "scatter_rows",
    inputs="x target",
    shape=_shape,
    gradient=not_differentiable("it only writes results"),
    reference=_reference,
    effect=True,
    run=True,
    dims=lambda node: {
        "b": node.inputs[0].shape[0],
        "w": math.prod(node.inputs[0].shape[1:]),
    },
    flops=lambda node: 0,
    doc="""Row i of x (batch, ...) becomes row run.row + i of target (rows, ...), in place. A
    row that does not exist is an IndexError.""",
)
