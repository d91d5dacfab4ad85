"""Runs one CUDA kernel in every way that must give the same bits.

Each operand lies in device memory of its own: once at its start, aligned to 256 bytes, and once at
its end, aligned to its elements and to nothing more. What lies beside it there are guard bytes;
what lies beyond is, on the emulator, a fault. There the kernel also runs in six orders of its
threads.
"""

from __future__ import annotations

import functools
import re

import numpy as np

from fastnn.planner.signature import signatures
from fastnn.runtime.device import cuda_module
from fastnn.runtime.faults import LABEL, NOT_FINITE
from tests.kernels import helpers

ORDERS = range(6)  # the emulator's seeds: 0 natural, even ones random, odd ones warp by warp
AT_END = (False, True, True, False, False, True)  # of each order: both kinds have both placements
GUARD_BYTE = 0xA5


class EveryOrder:
    """Orders of threads one after the other, one for each run."""

    def __init__(self, first: int = 0):
        self.first, self.runs = first, 0

    def of_each(self, run):
        """`run`, in the next order each time."""

        @functools.wraps(run)
        def in_order(*args, **kwargs):
            emulator = getattr(cuda_module(), "emulator", None)
            if emulator is not None:
                emulator.configure(seed=ORDERS[(self.first + self.runs) % len(ORDERS)])
            self.runs += 1
            return run(*args, **kwargs)

        return in_order


class Placed:
    """A host array's bytes on the device, at the start or the end of whole 256 bytes."""

    def __init__(self, array: np.ndarray, at_end: bool):
        bytes_ = -(-max(array.nbytes, 1) // 256) * 256
        # Rows of data are counted to the end of the memory.
        self.memory = cuda_module().Memory(0, bytes_ if at_end else array.nbytes)
        self.offset = bytes_ - array.nbytes if at_end else 0
        self.memory.fill(GUARD_BYTE)
        self.memory.upload(array, self.offset)

    def fetch(self, array: np.ndarray) -> None:
        self.memory.download(array, self.offset)
        guard = np.empty(self.offset, np.uint8)
        self.memory.download(guard)
        assert (guard == GUARD_BYTE).all(), "wrote before its extent"


class CudaKernel(helpers.Kernel):
    """`tests.kernels.helpers.Kernel` on the device: the tests of the CPU's kernels run with it."""

    def __init__(self):
        super().__init__("cuda")
        self.ways = list(zip(ORDERS, AT_END, strict=True))
        if not hasattr(cuda_module(), "emulator"):  # a GPU has an order of its own each time
            self.ways = [(0, False), (0, True), (0, False)]

    def _execute(self, record, arrays, way, fault, run):
        seed, at_end = way
        emulator = getattr(cuda_module(), "emulator", None)
        if emulator is not None:
            emulator.configure(seed=seed)
        message = None
        try:
            execute(record, arrays, at_end, **run)
        except ValueError as error:
            message = str(error)
            if fault is None:
                raise
        if fault:
            assert message and re.search(fault, message), f"expected {fault!r}, got {message!r}"

    @staticmethod
    def _bits(array) -> bytes:
        """A GPU has one NaN; which of two the emulator keeps is up to g++."""
        if array.dtype.kind != "f":
            return array.tobytes()
        return np.where(np.isnan(array), np.asarray(np.nan, array.dtype), array).tobytes()


def execute(record, arrays, at_end=False, *, step=0, row=0, seed=0, scalars=None) -> None:
    """One instruction on host arrays, by way of the device's memory; arrays that are the same
    memory are so there too. Raises ValueError for what the kernel reported."""
    record = record.copy()
    signature = list(signatures().values())[int(record["opcode"][0])]
    places: dict[tuple[int, int], Placed] = {}
    operands = record["operands"][0]
    operands["space"] = -1
    for i, array in enumerate(arrays):
        if array is None:
            continue
        key = (array.ctypes.data, array.nbytes)
        if key not in places:
            places[key] = Placed(array, at_end)
        operands[i]["space"], operands[i]["offset"] = list(places).index(key), places[key].offset
    memory = [place.memory for place in places.values()]
    module = cuda_module()
    runner = module.Program(record, [m.nbytes for m in memory]).bind(0, memory)
    if scalars is not None:
        scalars = np.atleast_2d(np.asarray(scalars, np.float32))
    fault = runner.run(1, row, 0, step, seed, scalars)
    for array in arrays:
        if array is not None:
            places[array.ctypes.data, array.nbytes].fetch(array)
    if fault is not None:
        what, _, _, at, value, limit = fault
        if what == NOT_FINITE:
            raise ValueError(f"{signature.name}: element {at} is not finite")
        raise ValueError(
            f"{signature.name}: {'label' if what == LABEL else 'index'} {value} in row {at} is out "
            f"of range, expected 0 to {limit - 1}"
        )
