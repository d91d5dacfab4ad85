"""Ops on arrays of a CUDA device, at once: one kernel a call, on the caller's stream.

Unlike on the host nothing is converted: an array of the wrong dtype, or one that is not contiguous,
is an error, for a copy on the device is the caller's to make.
"""

from __future__ import annotations

from typing import Any

from fastnn.runtime.device import cuda_module
from fastnn.runtime.device_array import DeviceArray, Stream
from fastnn.runtime.faults import LABEL, NOT_FINITE
from fastnn.runtime.interop import empty_like, take

from ._eager import _prepared
from ._op import to_dtype


def execute(op, inputs, attrs: dict[str, Any], out=None, *, step=0, seed=0, row=0, scalars=None):
    """`_eager.execute` for inputs on a device. Results are CuPy's or PyTorch's arrays where inputs
    are, else DeviceArrays. A call returns before the device is done, but for ops that look at what
    they are given (labels, row numbers): they wait, and raise."""
    given = {
        declared.name: x for declared, x in zip(op.inputs, inputs, strict=True) if x is not None
    }
    asked = () if out is None else out if isinstance(out, tuple) else (out,)
    named = [
        *given.items(),
        *((f"out[{i}]" if len(asked) > 1 else "out", x) for i, x in enumerate(asked)),
    ]
    try:
        taken, stream = take(named)
        arrays = [taken[d.name] if d.name in given else None for d in op.inputs]
        for declared, x in zip(op.inputs, arrays, strict=True):
            _check_dtype(declared, x)
        own = list(given.values())
        if op.alias:
            return _alias(op, own, arrays, attrs, out)
        call = _prepared(op, arrays, attrs)
        _check_in_place(op, call, arrays)
        device = next(x.index for x in arrays if x is not None)
        if out is None:
            made = [empty_like(own, s.shape, s.dtype, device, stream) for s in call.outputs]
        else:
            made = list(zip(asked, list(taken.values())[len(given) :], strict=True))
            _check_outputs(op, call, [m[1] for m in made], arrays)
        written = [m[1] for m in made]
        _run(op, call, arrays + written, device, stream, step, row, seed, scalars)
        written += [x for x, updated in zip(arrays, call.in_place, strict=True) if updated]
        for x in written:
            if x is not None:
                x.written_on(stream)
    except (TypeError, ValueError) as error:
        if str(error).startswith(f"ops.{op.name}: "):
            raise
        raise type(error)(f"ops.{op.name}: {error}") from None
    if out is not None:
        return out
    results = [m[0] for m in made]
    return results[0] if len(results) == 1 else tuple(results) or None


def _check_dtype(declared, x: DeviceArray | None) -> None:
    if x is not None and declared.dtype != "any" and x.dtype != declared.dtype:
        raise TypeError(
            f"`{declared.name}` must be {declared.dtype}, {x.dtype}{list(x.shape)} on {x.device} "
            f"came. Convert it first, for instance with .astype('{declared.dtype}')."
        )


def _check_in_place(op, call, arrays) -> None:
    for declared, written, x in zip(op.inputs, call.in_place, arrays, strict=True):
        if x is not None and written and x.read_only:
            raise ValueError(f"`{declared.name}` is updated in place, and {x!r} is read-only.")


def _check_outputs(op, call, results: list[DeviceArray], arrays) -> None:
    if len(results) != len(call.outputs):
        raise ValueError(f"`out` must be {len(call.outputs)} arrays, {len(results)} came.")
    for result, spec, reusable in zip(results, call.outputs, call.reusable, strict=False):
        if result.shape != spec.shape or result.dtype != spec.dtype or result.read_only:
            raise ValueError(
                f"`out` must be a writable array of {spec.dtype}{list(spec.shape)}, {result!r} "
                f"{'(read-only) ' * result.read_only}came."
            )
        for declared, x in zip(op.inputs, arrays, strict=True):
            if x is None or not _overlap(result, x):
                continue
            same = (x.address, x.nbytes) == (result.address, result.nbytes)
            if not (same and reusable):
                raise ValueError(f"`out` overlaps `{declared.name}`. Give it memory of its own.")


def _overlap(a: DeviceArray, b: DeviceArray) -> bool:
    return max(a.address, b.address) < min(a.address + a.nbytes, b.address + b.nbytes)


def _run(op, call, arrays, device: int, stream: Stream, step, row, seed, scalars) -> None:
    operands: list[tuple | None] = [None] * call.operands
    for position, x in zip(call.positions, arrays, strict=True):
        if x is not None:
            # What is written is, whatever its flag says, checked to be writable.
            operands[position] = (x.address, x.nbytes, x.read_only)
    if scalars is not None:
        scalars = to_dtype(scalars, "float32").reshape(1, -1)
    try:
        fault = cuda_module().execute(
            call.instr, operands, device, stream.handle, step=step, row=row, seed=seed,
            scalars=scalars,
        )  # fmt: skip
    except ValueError as error:
        what = str(error).removeprefix(f"instruction 0 ({call.opcode}, node 0): ")
        raise ValueError(what) from None
    if fault is not None:
        kind, _, _, at, value, limit = fault
        if kind == NOT_FINITE:
            raise ValueError(f"element {at} is not finite")
        raise ValueError(
            f"{'label' if kind == LABEL else 'index'} {value} in row {at} is out of range, "
            f"expected 0 to {limit - 1}"
        )


def _alias(op, own, arrays, attrs, out):
    """`reshape`: the same memory."""
    if out is not None:
        raise ValueError("`out` is not for arrays on a device: nothing is computed.")
    (spec,) = op.infer(arrays, attrs)
    if isinstance(own[0], DeviceArray) or not hasattr(own[0], "reshape"):
        return arrays[0].reshape(spec.shape)
    return own[0].reshape(spec.shape)
