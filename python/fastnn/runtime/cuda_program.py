"""A plan on a CUDA device (or the emulator)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastnn.graph.away import come_home
from fastnn.planner import ARENA, CONSTANTS, Plan
from fastnn.planner.signature import signatures

from . import cuda_data
from .device import cuda_module
from .device_array import DeviceArray
from .encode import encode, space_names
from .faults import INDEX, raise_fault
from .mirror import Mirror

JOINS = ("block", "mlp", "update")  # csrc/cuda/join.h


@dataclass
class Use:
    """What a program's steps do with a space."""

    read: bool = False
    written: bool = False
    whole: bool = False  # any of its rows; otherwise `rows` in order, a minibatch a step
    rows: int = 0


class CudaProgram:
    """Has CpuProgram's interface.

    The model's buffers are the host's: a run copies them to the device, and brings back what it has
    written. Between `hold` and `release` the device keeps them (mirror.py), all but the totals of
    loss and metrics, which are few: they come back when Python looks at a variable.

    Of bound arrays that are gone through in order, the rows of a run are copied. A data set whose
    rows come in any order is copied whole; between `hold` and `release` it stays there, for all
    programs. One that does not fit comes piece by piece, while the steps on the piece before run.
    What lies on the device already (a DeviceArray) is used where it is.
    """

    def __init__(self, plan: Plan, buffers: dict[str, np.ndarray], index: int = 0):
        module = cuda_module()
        self.plan = plan
        self._device = index
        self._names = space_names(plan)
        self._uses = _uses(plan)
        self._rows = [name for name in plan.bound if self._uses[name].rows]
        self._own = {
            name: Mirror.of(name, b, index) for name, b in buffers.items() if name in self._uses
        }
        self._memory = {ARENA: module.Memory(index, plan.arena_bytes)}
        self._memory[CONSTANTS] = module.Memory(index, plan.constants.nbytes)
        self._memory[CONSTANTS].upload(plan.constants)
        for name, mirror in self._own.items():
            self._memory[name] = mirror.memory
        self._program = module.Program(encode(plan), [self._bytes(name) for name in self._names])
        self._runner = None
        self._held = False
        self._resident: dict[str, cuda_data.Resident] = {}
        self._pieces = None  # and the runners that read its slots
        self._piece_runners: list = []
        # (step, opcode, grid, block, bytes of dynamic shared memory, why) of every kernel of a
        # step, of a program that has run.
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
        for name, mirror in self._own.items():
            mirror.go(stay=self._held and name != "state")  # which is small, and soon looked at
        if self._comes_in_pieces(arrays, steps):
            fault = self._run_pieces(arrays, steps, row, batch, step, seed, scalars)
        else:
            copied = self._place(arrays, row, (steps - 1) * batch)
            fault = self._runner.run(steps, row, batch, step, seed, scalars)
            for name, rows in copied:
                if self._uses[name].written:
                    array = arrays[name]
                    self._memory[name].download(array[rows], _first_byte(array, rows))
        for name, mirror in self._own.items():
            if self._uses[name].written:
                mirror.written()
        if fault is not None:
            raise_fault(self.plan, *fault)

    # ---- arrays that lie on the device

    def _place(self, arrays, row: int, more: int) -> list[tuple[str, slice]]:
        """Binds the arrays, and copies what a run reads of them that is not there already. Returns
        the rows of each that is not resident."""
        there = [name for name in self.plan.bound if isinstance(arrays[name], DeviceArray)]
        for name in there:
            self._use_there(name, arrays[name])
        for name in self.plan.bound:
            if name in there:
                continue
            if self._held and self._uses[name].whole and not self._uses[name].written:
                resident = cuda_data.Resident.of(arrays[name], self._device)
                if self._resident.get(name) is not resident:
                    self._resident[name] = resident
                    self._memory[name] = resident.memory
                    self._runner = None
        others = [name for name in self.plan.bound if name not in {*self._resident, *there}]
        self._bind({name: arrays[name].nbytes for name in others})
        copied = []
        for name in others:
            use, array = self._uses[name], arrays[name]
            rows = slice(None) if use.whole else slice(row, row + more + use.rows)
            if use.read:
                self._memory[name].upload(array[rows], _first_byte(array, rows))
            copied.append((name, rows))
        return copied

    def _use_there(self, name: str, array: DeviceArray) -> None:
        """Binds what is on the device already; what is still to be done to it comes first."""
        place = (array.address, array.nbytes, array.read_only)
        self._resident.pop(name, None)
        if self._memory.get(name) != place:
            self._memory[name] = place
            self._runner = None
        stream = cuda_module().stream(self._device)
        cuda_module().order(self._device, array.stream.handle, stream)

    def bind_rows(self, rows: dict[str, int]) -> None:
        """Prepares the launches for bound arrays of so many rows, by name."""
        sizes = {}
        for name, (shape, dtype) in self.plan.bound.items():
            count = rows[name] if shape[:1] == (0,) else shape[0]
            sizes[name] = count * math.prod(shape[1:]) * np.dtype(dtype).itemsize
        self._bind(sizes)

    def _bind(self, sizes: dict[str, int]) -> None:
        """With memory of these sizes, in bytes, for bound arrays."""
        for name, nbytes in sizes.items():
            have = self._memory.get(name)
            if have is None or isinstance(have, tuple) or have.nbytes != nbytes:
                self._memory[name] = cuda_module().Memory(self._device, nbytes)
                self._runner = None
        if self._runner is None:
            self._runner = self._bound_to({})
            self.launches = self._runner.launches

    def _bound_to(self, others: dict):
        """A runner on this program's memory, but for `others`."""
        spaces = [others.get(name, self._memory.get(name)) for name in self._names]
        joins = [(JOINS.index(j.kind), j.begin, j.end) for j in self.plan.joins]
        return self._program.bind(self._device, spaces, joins)

    # ---- arrays that come piece by piece

    def _comes_in_pieces(self, arrays, steps: int) -> bool:
        """Is there too much of what steps read row by row?"""
        if steps == 0 or self._resident or len(self._rows) < len(self.plan.bound):
            return False
        if not self._rows or any(self._uses[name].written for name in self._rows):
            return False
        if any(isinstance(arrays[name], DeviceArray) for name in self._rows):
            return False
        total = sum(arrays[name].nbytes for name in self._rows)
        return total > cuda_data.resident_limit(self._device)

    def _run_pieces(self, arrays, steps, row, batch, step, seed, scalars):
        order = arrays.get("order") if "order" in self._rows else None
        of_step = max(self._uses[name].rows for name in self._rows)
        self._check_rows(arrays, order, row, (steps - 1) * batch + of_step, batch, step)
        row_bytes = {name: arrays[name].nbytes // len(arrays[name]) for name in self._rows}
        at_once = max(1, min(steps, cuda_data.PIECE // (max(batch, 1) * sum(row_bytes.values()))))
        rows = (at_once - 1) * batch + of_step
        if self._pieces is None or self._pieces.rows < rows:
            self._piece_runners = []
            self._pieces = cuda_data.Pieces(self._device, row_bytes, rows)
            for slot in range(cuda_data.SLOTS):
                self._piece_runners.append(self._bound_to(self._pieces.spaces(slot)))
            self.launches = self._piece_runners[0].launches
        for k, done in enumerate(range(0, steps, at_once)):
            slot, now = k % cuda_data.SLOTS, min(at_once, steps - done)
            first, count = row + done * batch, (now - 1) * batch + of_step
            self._pieces.send(slot, arrays, order, first, count)
            table = None if scalars is None else scalars[done : done + now]
            self._piece_runners[slot].start(now, 0, batch, step + done, seed, table)
            self._pieces.used(slot)
        faults = [fault for runner in self._piece_runners if (fault := runner.finish())]
        return min(faults, key=lambda fault: fault[2], default=None)  # by step

    def _check_rows(self, arrays, order, row: int, count: int, batch: int, step: int) -> None:
        """Raises IndexError for rows that are not there, as a kernel reports them."""
        for node, s in enumerate(self.plan.steps):
            place = s.operands[0]
            if place is None or place.space not in self._rows:
                continue
            limit = len(arrays[place.space])
            wanted = np.arange(row, row + count)
            bounds = limit
            if order is not None:
                bounds = len(order)
                wanted = order[row : row + count] if row + count <= bounds else wanted
            if row + count <= bounds:
                bounds = limit
            wrong = np.flatnonzero((wanted < 0) | (wanted >= bounds))
            if len(wrong):
                at, i = divmod(int(wrong[0]), max(batch, 1))
                raise_fault(self.plan, INDEX, node, step + at, i, int(wanted[wrong[0]]), bounds)

    # ----

    def output(self, name: str) -> np.ndarray:
        """A copy of the output `name` of the last step."""
        tensor = self.plan.outputs[name]
        place = self.plan.places[tensor]
        data = np.empty(tensor.shape, tensor.dtype)
        self._memory[place.space].download(data, place.offset)
        return data

    def hold(self) -> None:
        """Until `release`, bound arrays stay as they are, and variables are looked at by their
        `value`: what was copied need not be again."""
        self._held = True

    def release(self) -> None:
        """Lets go of the device's memory for the bound arrays; the model's buffers come home."""
        self._held = False
        come_home(*(mirror.buffer for mirror in self._own.values()))
        self._runner, self._pieces, self._piece_runners = None, None, []
        self._resident.clear()
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
