"""Runs one kernel the way the contract allows it to be called, and looks for what it forbids.

Every operand lies between guard bytes at an odd multiple of its element size; outputs are full of
NaN before each run; the kernel runs in 1, 2, 3 and 7 parts, which must give the same bits; inputs
must come back unchanged.
"""

from __future__ import annotations

import re

import numpy as np

from fastnn import _core
from fastnn.planner.signature import signatures
from fastnn.runtime.instr import INSTR

PARTS = (1, 2, 3, 7)
GUARD = 64  # bytes on either side
GUARD_BYTE = 0xA5
UNIT = (
    2.0**-24
)  # half the spacing of float32 at 1: one rounding is at most this, relative to the result
LEAST = 2.0**-149  # the least denormal


class Guarded:
    """An array between guard bytes, aligned to its elements and to nothing more."""

    def __init__(self, shape, dtype, elements_off=1):
        dtype = np.dtype(dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        memory = np.full(size + 3 * GUARD, GUARD_BYTE, np.uint8)
        at = -memory.ctypes.data % GUARD + GUARD + elements_off * dtype.itemsize
        self.before, self.after = memory[:at], memory[at + size :]
        self.bytes = memory[at : at + size]
        self.array = self.bytes.view(dtype).reshape(shape)

    def check(self, what):
        for side in (self.before, self.after):
            assert (side == GUARD_BYTE).all(), f"{what}: wrote outside its extent"


class Kernel:
    """The kernels of one instruction set: `kernel("add", a, b)` gives the output(s)."""

    def __init__(self, isa: str):
        self.isa = isa
        self.ways = PARTS  # to run, which must give the same bits

    def __call__(
        self,
        opcode,
        *inputs,
        dims=None,
        absent=(),
        in_place_of=None,
        fault=None,
        out=None,
        **kwargs,
    ):
        """The outputs, alone or as a tuple: what stands right of the arrow, then what has a `!`.

        inputs        arrays for the operands left of the arrow, None where one is absent
        dims          the dims that the inputs' shapes do not tell
        absent        positions of outputs that are absent
        in_place_of   position of the input whose memory the `~` output shares
        fault         pattern of the error that must be raised; the outputs are returned anyway
        attributes and step, row, seed, scalars go by keyword.
        """
        sig = signatures()[opcode]
        run = {k: kwargs.pop(k) for k in ("step", "row", "seed", "scalars") if k in kwargs}
        assert set(kwargs) == set(sig.attrs), f"{opcode} takes {sig.attrs}, got {sorted(kwargs)}"
        sizes = infer_dims(sig, inputs, dims or {})
        record = np.zeros(1, INSTR)
        record["opcode"] = sig.code
        record["dims"][0, : len(sig.dims)] = [sizes[d] for d in sig.dims]
        record["attrs"][0, : len(sig.attrs)] = [kwargs[a] for a in sig.attrs]

        first = None
        for way in self.ways:
            operands = self._operands(sig, inputs, sizes, absent, in_place_of)
            arrays = [o.array if o else None for o in operands]
            self._execute(record, arrays, way, fault, run)
            for i, operand in enumerate(operands):
                if operand is None:
                    continue
                operand.check(f"{opcode} operand {i} ({self.isa}, {way})")
                if i < len(inputs) and not sig.operands[i].written and i != in_place_of:
                    same = operand.array.tobytes() == np.ascontiguousarray(inputs[i]).tobytes()
                    assert same, f"{opcode}: operand {i} is an input and was changed"
            results = [operands[i] for i, o in enumerate(sig.operands) if not o.read]
            results += [operands[i] for i, o in enumerate(sig.operands) if o.read and o.written]
            results = [r.array if r else None for r in results]
            bits = [self._bits(r) if r is not None else b"" for r in results]
            first = first or bits
            assert bits == first, f"{opcode} ({self.isa}): {way} gives other bits"
        return results[0] if len(results) == 1 else tuple(results)

    def _execute(self, record, arrays, parts, fault, run):
        if "scalars" in run:
            run = {**run, "scalars": np.atleast_2d(np.asarray(run["scalars"], np.float32))}
        message = None
        try:
            _core.execute(record, arrays, isa=self.isa, threads=parts, **run)
        except ValueError as error:
            message = str(error)
            if fault is None:
                raise
        if fault:
            assert message and re.search(fault, message), f"expected {fault!r}, got {message!r}"

    @staticmethod
    def _bits(array) -> bytes:
        return array.tobytes()

    @staticmethod
    def _operands(sig, inputs, sizes, absent, in_place_of):
        operands = []
        for i, spec in enumerate(sig.operands):
            if spec.read:
                array = inputs[i]
                if array is None:
                    operands.append(None)
                    continue
                array = np.ascontiguousarray(array, np.dtype(spec.dtype))
                operands.append(Guarded(array.shape, array.dtype, 1 + 2 * i))
                operands[-1].array[...] = array
            elif i in absent:
                operands.append(None)
            elif in_place_of is not None and spec.inplace:
                operands.append(operands[in_place_of])
            else:
                shape = [d if isinstance(d, int) else sizes[d] for d in spec.dims]
                operands.append(Guarded(shape, spec.dtype, 1 + 2 * i))
                operands[-1].bytes[...] = 0xFF  # NaN, or -1
        return operands


def infer_dims(sig, inputs, given):
    """The size of every dim, from the shapes of the inputs."""
    sizes = dict(given)
    for spec, array in zip(sig.operands, inputs, strict=False):
        if array is None:
            continue
        assert np.ndim(array) == len(spec.dims), f"{sig.name}: {spec.dims} is not {np.shape(array)}"
        for dim, size in zip(spec.dims, np.shape(array), strict=True):
            name, limit = dim if isinstance(dim, tuple) else (dim, None)
            if isinstance(name, str) and name != "*":
                assert sizes.setdefault(name, size) == size, f"{sig.name}: {name} is {sizes[name]}"
            if limit and limit not in given:
                sizes[limit] = max(sizes.get(limit, 0), size) if size else 0
    missing = [d for d in sig.dims if d not in sizes]
    assert not missing, f"{sig.name}: say dims={missing}"
    return sizes


# ---- data and comparisons


def normal(shape, seed=0, scale=1.0) -> np.ndarray:
    """float32 normal numbers."""
    return (np.random.default_rng(seed).normal(size=shape) * scale).astype(np.float32)


def uniform(shape, low=0.0, high=1.0, seed=0) -> np.ndarray:
    """float32 uniform numbers."""
    return np.random.default_rng(seed).uniform(low, high, size=shape).astype(np.float32)


def sizes_around_vectors() -> list[int]:
    """Lengths at the edges of vectors (4, 8, 16 lanes), of shares (1024) and of a sum's blocks."""
    return [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 1023, 1025, 4095, 4096, 4097, 9001]


def sum_roundings(n: int) -> int:
    """Additions that a term of a row's sum goes through: loop.h with vectors of 4 lanes."""
    return min(n, 4096) // 16 + 8


def ulps(y: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """|y - exact| in units of the float32 spacing at `exact` (float64); inf is taken for 2^128.

    Where exact is NaN, y must be: otherwise the distance is infinite.
    """
    bound = 2.0**128
    want = np.clip(exact, -bound, bound)
    have = np.clip(y.astype(np.float64), -bound, bound)
    # frexp: want = m 2^e with m in [1/2, 1), and float32 has 24 bits.
    exponent = np.frexp(np.where(np.isfinite(want), want, 1.0))[1]
    spacing = np.maximum(np.ldexp(1.0, np.minimum(exponent, 128) - 24), LEAST)
    distance = np.abs(have - want) / spacing
    nan = np.isnan(exact)
    return np.where(nan | np.isnan(have), np.where(nan & np.isnan(have), 0.0, np.inf), distance)


def assert_close(y, exact, scale, roundings, what=""):
    """|y - exact| <= roundings * UNIT * scale: `scale` is the size of the largest intermediate."""
    y, exact = np.asarray(y, np.float64), np.asarray(exact, np.float64)
    scale = np.broadcast_to(np.asarray(scale, np.float64), exact.shape)
    assert y.shape == exact.shape, f"{what}: shape {y.shape}, expected {exact.shape}"
    same = (y == exact) | (np.isnan(y) & np.isnan(exact))
    with np.errstate(invalid="ignore"):
        wrong = ~same & ~(np.abs(y - exact) <= roundings * UNIT * np.abs(scale) + LEAST)
    if wrong.any():
        at = tuple(np.argwhere(wrong)[0])
        error = abs(y[at] - exact[at]) / (UNIT * abs(scale[at]) + LEAST)
        raise AssertionError(
            f"{what}: {wrong.sum()} of {wrong.size} are off; at {at}: {y[at]!r}, expected "
            f"{exact[at]!r}: {error:.1f} roundings, allowed {roundings}"
        )
