"""The third device: the same plan, step by step, through the ops' NumPy references.

The operands lie where the plan puts them, in arena and flat buffers, so a wrong layout shows here
as wrong numbers. In float64 every float32 (and int32) of a buffer is simply twice as wide.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from fastnn.graph.storage import allocate
from fastnn.graph.tensor import Bound, Constant, Tensor
from fastnn.planner import ARENA, Place, Plan
from fastnn.planner.signature import signatures

WIDE = {"float32": "float64", "int32": "int64"}
PLAIN = ("state",)  # float64 already: not widened


class NumpyProgram:
    """Has CpuProgram's interface."""

    def __init__(self, plan: Plan, buffers: dict[str, np.ndarray], dtype: str):
        self.plan = plan
        self.dtype = np.dtype(dtype)
        self._wide = dtype == "float64"
        self._own = buffers
        self._memory: dict[str, np.ndarray] = {}
        self._memory[ARENA] = allocate(plan.arena_bytes * (2 if self._wide else 1))
        self._memory[ARENA].view(np.float32)[...] = np.nan

    def run(self, arrays, *, steps=1, row=0, batch=0, step=0, seed=0, scalars=None) -> None:
        """See CpuProgram.run."""
        for name, buffer in self._own.items():
            widen = self._wide and name not in PLAIN
            self._memory[name] = (
                buffer.view(np.float32).astype(np.float64).view(np.uint8) if widen else buffer
            )
        for i in range(steps):
            run = SimpleNamespace(
                step=step + i,
                row=row + i * batch,
                seed=seed,
                float=self.dtype,
                scalars=None if scalars is None else np.asarray(scalars)[i].astype(self.dtype),
            )
            with np.errstate(all="ignore"):  # kernels do not warn either
                for s in self.plan.steps:
                    self._step(s, arrays, run)
        for name, buffer in self._own.items():
            if self._wide and name not in PLAIN:
                buffer.view(np.float32)[...] = self._memory[name].view(np.float64)

    def output(self, name: str) -> np.ndarray:
        tensor = self.plan.outputs[name]
        return self._view(self.plan.places[tensor], tensor)

    def hold(self) -> None:
        """See CudaProgram.hold: here nothing lies elsewhere."""

    def release(self) -> None:
        """Nothing is held between runs."""

    def _step(self, s, arrays, run) -> None:
        node = s.node
        values = [self._read(t, arrays, node.op.run) for t in node.inputs]
        extra = {"run": run} if node.op.run else {}
        results = node.op.reference(*values, **node.attrs, **extra)
        results = results if isinstance(results, tuple) else (results,)
        sig = signatures()[s.opcode]
        targets = [
            t
            for t, o in zip(node.inputs, (sig.operands[i] for i in sig.reads), strict=False)
            if o.written and t is not None
        ]
        for t, value in zip([*targets, *node.outputs], results, strict=True):
            if isinstance(t, Bound):
                arrays[t.name][...] = value
            elif self.plan.places[t].space in arrays:
                arrays[self.plan.places[t].space][...] = np.reshape(value, t.shape)
            else:
                self._view(self.plan.places[t], t)[...] = np.reshape(value, t.shape)

    def _read(self, t: Tensor | None, arrays, run_op: bool):
        if t is None:
            return None
        if isinstance(t, Bound):
            array = arrays[t.name]
            # Ops that read the state of the run take a few rows of it, and convert these.
            return array if run_op else array.astype(self.dtype)
        if isinstance(t, Constant):
            return t.value.astype(self.dtype) if t.dtype == "float32" else t.value
        place = self.plan.places[t]
        if place.space in arrays:  # a bound array in another shape
            return arrays[place.space].reshape(t.shape).astype(self.dtype)
        return self._view(place, t).copy()

    def _view(self, place: Place, t: Tensor) -> np.ndarray:
        if self._wide and place.space not in PLAIN:
            dtype = np.dtype(WIDE.get(t.dtype, t.dtype))
            start, count = place.offset * 2, t.size
            raw = self._memory[place.space][start : start + count * dtype.itemsize]
        else:
            dtype = np.dtype(t.dtype)
            raw = self._memory[place.space][place.offset : place.end]
        return raw.view(dtype).reshape(t.shape)
