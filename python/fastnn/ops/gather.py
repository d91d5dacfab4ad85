"""gather(data, order): the rows of a minibatch out of a data set, as float32 or int32."""

from __future__ import annotations

import math

import numpy as np

from fastnn.graph.tensor import TensorSpec

from ._op import REQUIRED, define, not_differentiable

SHORT = {"uint8": "u8", "int32": "i32", "int64": "i64", "float32": "f32", "float64": "f64"}


def _shape(data, order, batch, dtype, scale, shift):
    sources = {"float32": list(SHORT), "int32": ["uint8", "int32", "int64"]}
    if data.dtype not in sources.get(dtype, ()):
        known = "; ".join(f"{', '.join(s)} to {d}" for d, s in sources.items())
        raise ValueError(f"{data.dtype} to {dtype} is not among the conversions: {known}.")
    if dtype == "int32" and (scale, shift) != (1.0, 0.0):
        raise ValueError("scale and shift are for float32.")
    if not data.shape:
        raise ValueError("data must have rows, shape () came.")
    if batch < 0:
        raise ValueError(f"batch must not be negative, {batch} came.")
    return TensorSpec((batch, *data.shape[1:]), dtype)


def _rows(data, order, batch, first) -> np.ndarray:
    """Indices of the minibatch's rows. Raises IndexError when there is no such row."""
    rows = np.arange(first, first + batch)
    for limit, name in ((None if order is None else len(order), "order"), (len(data), "data")):
        if limit is None:
            continue
        wrong = rows[(rows < 0) | (rows >= limit)]
        if wrong.size:
            raise IndexError(f"row {wrong[0]} was asked for, but the {name} has {limit} rows.")
        if name == "order":
            rows = order[rows]
    return rows


def _reference(data, order, batch, dtype, scale, shift, run):
    x = data[_rows(data, order, batch, run.row)]
    if dtype == "int32":
        limits = np.iinfo(np.int32)
        return np.clip(x, limits.min, limits.max).astype(np.int32)
    return x.astype(run.float) * scale + shift


gather = define(
    "gather",
    inputs="data:any order:int64?",
    # Adding -0.0 changes nothing; adding 0.0 would make 0.0 of -0.0.
    attrs={"batch": REQUIRED, "dtype": "float32", "scale": 1.0, "shift": -0.0},
    shape=_shape,
    gradient=not_differentiable("data sets are not trained"),
    reference=_reference,
    run=True,
    opcode=lambda node: f"gather_{SHORT[node.inputs[0].dtype]}_{SHORT[node.outputs[0].dtype]}",
    dims=lambda node: {
        "b": node.attrs["batch"],
        "w": math.prod(node.outputs[0].shape[1:]),
    },
    doc="""(rows, ...) -> (batch, ...): row i is data[order[run.row + i]], or data[run.row + i]
    without an order, converted to `dtype`; as float32 also times `scale` plus `shift`. uint8,
    int32, int64, float32 and float64 become float32; uint8, int32 and int64 become int32. A row
    that does not exist is an IndexError.""",
)
