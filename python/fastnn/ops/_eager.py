"""Ops on NumPy arrays, at once: one native instruction a call.

An op becomes an instruction as it does in a program: shape rule, signature, dims, attributes. What
depends on shapes, dtypes and attributes only is kept, so that a second call goes straight to the
kernel.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastnn.graph.node import Node
from fastnn.graph.tensor import Tensor, TensorSpec
from fastnn.planner.hazards import SERIAL_WORK
from fastnn.planner.signature import match_dims, signatures
from fastnn.runtime.instr import INSTR
from fastnn.runtime.interop import is_on_device
from fastnn.runtime.load import core

from ._op import to_dtype

CACHED = 1024  # calls kept, over all ops


KERNEL_DTYPES = {name: np.dtype(name) for name in ("float32", "float64", "int32", "int64")}


class _Call(NamedTuple):
    opcode: str
    instr: np.ndarray  # one INSTR record
    positions: list[int]  # which operand each input is, then each output
    in_place: list[bool]  # for each input: does the kernel write it?
    reusable: list[bool]  # for each output: may it be one of the inputs?
    outputs: list[TensorSpec]
    operands: int
    threads: int  # 1 for little work, 0 (as many as are set) for much


_calls: dict[tuple, _Call] = {}


def execute(op, inputs, attrs: dict[str, Any], out=None, *, step=0, seed=0, row=0, scalars=None):
    """Runs `op` on arrays and returns its outputs (None where it only works in place).

    Inputs are converted to what the kernel takes (float32; int32 for labels): lists and arrays of
    other floats and integers are copied, and so are those that are not C-contiguous. A fraction, or
    a value that int32 cannot hold, is an error. Inputs that the op updates must be C-contiguous,
    writable arrays of the kernel's dtype. `out` (an array, or a tuple with one for each output)
    must have the output's shape and dtype; it may be an input only where the kernel allows it.

    step, seed, row, scalars: the state of a run, for ops that read it.

    Arrays of a CUDA device (CuPy's, PyTorch's, others by DLPack or `__cuda_array_interface__`) are
    left where they are, and the op runs there: see `_on_device`.
    """
    arrays = []
    for declared, x in zip(op.inputs, inputs):  # noqa: B905 (both are as long as op.inputs)
        if type(x) is not np.ndarray and x is not None and is_on_device(x):
            from ._on_device import execute as execute_there

            return execute_there(
                op, inputs, attrs, out, step=step, seed=seed, row=row, scalars=scalars
            )
        arrays.append(None if x is None else _array(op, declared, x))
    if op.alias:
        return _alias(op, arrays, attrs, out)
    call = _prepared(op, arrays, attrs)
    if op.effect:
        _check_in_place(op, call, arrays, inputs)
    if out is None:
        results = [np.empty(spec.shape, spec.dtype) for spec in call.outputs]
    else:
        results = _check_outputs(op, call, out, arrays)
    operands: list[np.ndarray | None] = [None] * call.operands
    for position, array in zip(call.positions, arrays + results):  # noqa: B905
        operands[position] = array
    if scalars is not None:
        scalars = to_dtype(scalars, "float32").reshape(1, -1)
    try:
        core().execute(
            call.instr, operands, threads=call.threads, step=step, row=row, seed=seed,
            scalars=scalars,
        )  # fmt: skip
    except ValueError as error:
        what = str(error).removeprefix(f"instruction 0 ({call.opcode}, node 0): ")
        raise ValueError(f"ops.{op.name}: {what}") from None
    if out is not None:
        return out
    return results[0] if len(results) == 1 else tuple(results) or None


def _array(op, declared, value) -> np.ndarray:
    """`value` as the kernel takes it: itself if it fits, else a copy."""
    if type(value) is not np.ndarray or value.dtype is not KERNEL_DTYPES.get(declared.dtype):
        try:
            if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
                value = np.from_dlpack(value)
            value = to_dtype(value, declared.dtype)
        except (TypeError, ValueError) as error:
            raise type(error)(f"ops.{op.name}: `{declared.name}`: {error}") from None
    flags = value.flags
    return value if flags.c_contiguous and flags.aligned else value.copy()


def _prepared(op, arrays, attrs) -> _Call:
    """The call for these shapes, dtypes and attributes: a kept one, or a new one."""
    key = [op, *attrs.values()]
    for x in arrays:
        key += (None,) if x is None else (x.shape, x.dtype)
    key = tuple(key)
    try:
        call = _calls.get(key)
    except TypeError:  # a list among the attributes
        return _prepare(op, arrays, attrs)
    if call is None:
        call = _prepare(op, arrays, attrs)
        if len(_calls) >= CACHED:
            del _calls[next(iter(_calls))]
        _calls[key] = call
    return call


def _prepare(op, arrays, attrs) -> _Call:
    inputs = [None if x is None else Tensor(x.shape, x.dtype.name) for x in arrays]
    node = Node(op, inputs, attrs)
    specs = op.infer(inputs, attrs)
    node.outputs = tuple(Tensor(s.shape, s.dtype, node, i) for i, s in enumerate(specs))
    sig = signatures()[op.opcode(node)]
    positions = sig.reads[: len(inputs)] + sig.writes[: len(specs)]
    tensors = [*inputs, *node.outputs]
    shapes: list[tuple[int, ...] | None] = [None] * len(sig.operands)
    for position, t in zip(positions, tensors, strict=True):
        shapes[position] = None if t is None else t.shape
    dims = match_dims(sig, shapes, op.dims(node))
    values = op.native_attrs(node)
    instr = np.zeros(1, INSTR)
    record = instr[0]
    record["opcode"] = sig.code
    record["dims"][: len(sig.dims)] = [dims[d] for d in sig.dims]
    record["attrs"][: len(sig.attrs)] = [values[a] for a in sig.attrs]
    work = op.flops(node) + sum(t.nbytes for t in tensors if t is not None) // 4
    return _Call(
        sig.name,
        instr,
        positions,
        [sig.operands[i].written for i in sig.reads[: len(inputs)]],
        [sig.operands[i].inplace for i in sig.writes],
        specs,
        len(sig.operands),
        1 if work < SERIAL_WORK else 0,
    )


def _alias(op, arrays, attrs, out):
    op.infer([None if x is None else Tensor(x.shape, x.dtype.name) for x in arrays], attrs)
    result = op.reference(*arrays, **attrs)
    if out is None:
        return result
    _check_output(op, out, TensorSpec(result.shape, result.dtype.name))
    out[...] = result
    return out


def _check_in_place(op, call: _Call, arrays, given) -> None:
    """What the kernel updates must be the caller's own array, not a converted copy."""
    for declared, written, x, own in zip(op.inputs, call.in_place, arrays, given, strict=True):
        if x is None or not written or (x is own and x.flags.writeable):
            continue
        raise ValueError(
            f"ops.{op.name}: `{declared.name}` is updated in place: a C-contiguous, writable array "
            f"of {x.dtype} is due, {_describe(own)} came."
        )


def _check_outputs(op, call: _Call, out, arrays) -> list[np.ndarray]:
    """`out` as a list of arrays."""
    results = list(out) if isinstance(out, tuple) else [out]
    if len(results) != len(call.outputs):
        raise ValueError(
            f"ops.{op.name}: `out` must be {len(call.outputs)} arrays, {len(results)} came."
        )
    for result, spec, reusable in zip(results, call.outputs, call.reusable):  # noqa: B905
        _check_output(op, result, spec)
        for declared, x in zip(op.inputs, arrays, strict=True):
            if x is None or (x is result and reusable) or not np.may_share_memory(result, x):
                continue
            raise ValueError(
                f"ops.{op.name}: `out` overlaps `{declared.name}`. Give it memory of its own."
            )
    return results


def _check_output(op, result, spec: TensorSpec) -> None:
    if not (
        isinstance(result, np.ndarray)
        and result.shape == spec.shape
        and result.dtype == spec.dtype
        and result.flags.carray  # C-contiguous, aligned, writable
    ):
        raise ValueError(
            f"ops.{op.name}: `out` must be a C-contiguous, writable array of "
            f"{spec.dtype}{list(spec.shape)}, {_describe(result)} came."
        )


def _describe(value) -> str:
    if not isinstance(value, np.ndarray):
        return f"{type(value).__name__}"
    marks = [] if value.flags.c_contiguous else ["not C-contiguous"]
    marks += [] if value.flags.aligned else ["not aligned"]
    marks += [] if value.flags.writeable else ["read-only"]
    return f"{value.dtype}{list(value.shape)}" + (f" ({', '.join(marks)})" if marks else "")
