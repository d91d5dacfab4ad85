"""A plan, ready to run on a device: native code on the CPU or a GPU, or the NumPy references."""

from __future__ import annotations

import numpy as np

from fastnn.planner import ARENA, CONSTANTS, Plan

from .encode import encode, space_names
from .faults import raise_fault
from .instr import INSTR
from .load import core

__all__ = ["INSTR", "CpuProgram", "make_program"]


def make_program(plan: Plan, buffers: dict[str, np.ndarray], device: str = "cpu"):
    """A program for `device`: "cpu", "cuda", "cuda:1", "numpy" (float32 references) or
    "numpy:float64".

    `buffers` are the model's flat byte buffers by space name; they are used in place.

    Raises ValueError or RuntimeError for a device that is not there (`device.check_device`).
    """
    if device == "cpu":
        return CpuProgram(plan, buffers)
    from .device import check_device

    asked = check_device(device)
    if asked.kind == "cuda":
        from .cuda_program import CudaProgram

        return CudaProgram(plan, buffers, asked.index)
    from .numpy_program import NumpyProgram

    return NumpyProgram(plan, buffers, asked.dtype)


def make_routine(plan: Plan, buffers: dict[str, np.ndarray], x: np.ndarray, rows: int):
    """The native form of a `training.step.call_plan` for `rows` rows like those of x."""
    own = {CONSTANTS: plan.constants, **buffers}
    names = space_names(plan)
    names += [] if "x" in names else ["x"]  # a model may look away
    out_shape, _ = plan.bound["out"]
    sizes = [plan.arena_bytes if n == ARENA else own[n].nbytes if n in own else -1 for n in names]
    return core().Routine(
        core().Program(encode(plan), sizes),
        [own.get(name) for name in names],
        arena=names.index(ARENA),
        x=names.index("x"),
        out=names.index("out"),
        arena_bytes=plan.arena_bytes,
        x_shape=(rows, *x.shape[1:]),
        x_dtype=x.dtype,
        out_shape=out_shape,
        plan=plan,
    )


class CpuProgram:
    """Native: validated once, then run for as many steps as asked, without Python in between."""

    def __init__(self, plan: Plan, buffers: dict[str, np.ndarray]):
        self.plan = plan
        names = space_names(plan)
        own = {ARENA: core().allocate(plan.arena_bytes), CONSTANTS: plan.constants, **buffers}
        self._arrays = [own.get(name) for name in names]
        self._first_bound = len(names) - len(plan.bound)
        self._bound_names = names[self._first_bound :]
        sizes = [-1 if n in plan.bound else own[n].nbytes if n in own else 0 for n in names]
        self._program = core().Program(encode(plan), sizes)
        self._runner = None
        self._key: tuple[int, ...] = ()
        self.arena = own[ARENA]

    def run(
        self,
        arrays: dict[str, np.ndarray],
        *,
        steps: int = 1,
        row: int = 0,
        batch: int = 0,
        step: int = 0,
        seed: int = 0,
        scalars: np.ndarray | None = None,
    ) -> None:
        """Runs `steps` steps. `arrays` are the bound arrays by name; step i takes the `batch` rows
        from `row + i * batch` on and row i of `scalars` [steps, width].

        Raises ValueError (IndexError) for what a kernel reported.
        """
        bound = [arrays[name] for name in self._bound_names]
        key = tuple(map(id, bound))
        if key != self._key or self._runner is None:
            # The runner holds the arrays, so an id cannot be reused while the key is alive.
            self._arrays[self._first_bound :] = bound
            self._runner = self._program.bind(self._arrays)
            self._key = key
        # By position: keywords cost half a microsecond.
        fault = self._runner.run(steps, row, batch, step, seed, scalars)
        if fault is not None:
            raise_fault(self.plan, *fault)

    def output(self, name: str) -> np.ndarray:
        """A view of the output `name` of the last step."""
        place, tensor = self.plan.places[self.plan.outputs[name]], self.plan.outputs[name]
        data = self.arena[place.offset : place.end] if place.space == ARENA else None
        if data is None:
            raise KeyError(f"output {name!r} lies in {place.space}, not in the arena")
        return data.view(tensor.dtype).reshape(tensor.shape)

    def hold(self) -> None:
        """See CudaProgram.hold: here nothing lies elsewhere."""

    def release(self) -> None:
        """Lets go of the bound arrays of the last run (a data set should not outlive its fit)."""
        self._runner, self._key = None, ()
        self._arrays[self._first_bound :] = [None] * len(self._bound_names)
