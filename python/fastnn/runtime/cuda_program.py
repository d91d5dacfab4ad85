"""A plan on a CUDA device (or the emulator)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastnn.planner import ARENA, CONSTANTS, Plan
from fastnn.planner.signature import signatures

from .device import cuda_module
from .encode import encode, space_names
from .faults import raise_fault

JOINS = ("block", "mlp", "update")  # csrc/cuda/join.h


@dataclass
class Use:
    """What a program's steps do with a space."""

    read: bool = False
    written: bool = False
    whole: bool = False  # any of its rows; otherwise `rows` in order, a minibatch a step
    rows: int = 0


class CudaProgram:
    """Has CpuProgram's interface. The model's buffers and the bound arrays stay the host's: a run
    copies to the device what it reads, and brings back what it has written. Many steps make one
    run, and of arrays that are gone through in order only the rows of the run are copied.
    """

    def __init__(self, plan: Plan, buffers: dict[str, np.ndarray], index: int = 0):
        module = cuda_module()
        self.plan = plan
        self._device = index
        self._names = space_names(plan)
        self._uses = _uses(plan)
        self._own = {name: b for name, b in buffers.items() if name in self._uses}
        self._memory = {ARENA: module.Memory(index, plan.arena_bytes)}
        self._memory[CONSTANTS] = module.Memory(index, plan.constants.nbytes)
        self._memory[CONSTANTS].upload(plan.constants)
        for name, buffer in self._own.items():
            self._memory[name] = module.Memory(index, buffer.nbytes)
        self._program = module.Program(encode(plan), [self._bytes(name) for name in self._names])
        self._runner = None
        # (step, opcode, grid, block, bytes of dynamic shared memory) of every kernel of a step, of
        # a program that has run.
        self.launches: list[tuple] = []

    @property
    def graph_nodes(self) -> int:
        """Kernels in the graph of a step; 0 before a run of several steps has made one."""
        return 0 if self._runner is None else self._runner.graph_nodes

    def _bytes(self, name: str) -> int:
        if name in self.plan.bound:
            return -1
        return self._memory[name].nbytes if name in self._memory else 0

    def run(self, arrays, *, steps=1, row=0, batch=0, step=0, seed=0, scalars=None) -> None:
        """See CpuProgram.run."""
        self._bind({name: arrays[name].nbytes for name in self.plan.bound})
        copied = [(name, buffer, slice(None)) for name, buffer in self._own.items()]
        for name in self.plan.bound:
            use = self._uses[name]
            rows = slice(row, row + (steps - 1) * batch + use.rows)
            copied.append((name, arrays[name], slice(None) if use.whole else rows))
        for name, array, rows in copied:
            if self._uses[name].read:
                self._memory[name].upload(array[rows], _first_byte(array, rows))
        fault = self._runner.run(steps, row, batch, step, seed, scalars)
        for name, array, rows in copied:
            if self._uses[name].written:
                self._memory[name].download(array[rows], _first_byte(array, rows))
        if fault is not None:
            raise_fault(self.plan, *fault)

    def bind_rows(self, rows: dict[str, int]) -> None:
        """Prepares the launches for bound arrays of so many rows, by name."""
        sizes = {}
        for name, (shape, dtype) in self.plan.bound.items():
            count = rows[name] if shape[:1] == (0,) else shape[0]
            sizes[name] = count * math.prod(shape[1:]) * np.dtype(dtype).itemsize
        self._bind(sizes)

    def _bind(self, sizes: dict[str, int]) -> None:
        """With memory of these sizes, in bytes, for the bound arrays."""
        for name in self.plan.bound:
            have = self._memory.get(name)
            if have is None or have.nbytes != sizes[name]:
                self._memory[name] = cuda_module().Memory(self._device, sizes[name])
                self._runner = None
        if self._runner is None:
            spaces = [self._memory.get(name) for name in self._names]
            joins = [(JOINS.index(j.kind), j.begin, j.end) for j in self.plan.joins]
            self._runner = self._program.bind(self._device, spaces, joins)
            self.launches = self._runner.launches

    def output(self, name: str) -> np.ndarray:
        """A copy of the output `name` of the last step."""
        tensor = self.plan.outputs[name]
        place = self.plan.places[tensor]
        data = np.empty(tensor.shape, tensor.dtype)
        self._memory[place.space].download(data, place.offset)
        return data

    def release(self) -> None:
        """Lets go of the device's memory for the bound arrays."""
        self._runner = None
        for name in self.plan.bound:
            self._memory.pop(name, None)


def _uses(plan: Plan) -> dict[str, Use]:
    uses = {name: Use(whole=bool(shape[:1] != (0,))) for name, (shape, _) in plan.bound.items()}
    for step in plan.steps:
        operands = signatures()[step.opcode].operands
        ordered = step.opcode.startswith("gather") and step.operands[1] is not None
        for i, (place, operand) in enumerate(zip(step.operands, operands, strict=True)):
            if place is None:
                continue
            use = uses.setdefault(place.space, Use(whole=True))
            use.read |= operand.read
            use.written |= operand.written
            if operand.dims[0] == "*":
                use.whole |= ordered and i == 0
                use.rows = max(use.rows, step.dims["b"])
    return uses


def _first_byte(array: np.ndarray, rows: slice) -> int:
    first = min(rows.start or 0, len(array))
    return first * (array.nbytes // len(array)) if len(array) else 0
