"""Calling one layer on an array: a one-layer program, planned once per shape."""

from __future__ import annotations

import numpy as np

from fastnn.graph import Variable
from fastnn.precision import get_matmul_precision

from .program import make_program

MAX_PROGRAMS = 16  # per layer


def eager_call(layer, x: np.ndarray, training: bool = False, device: str = "cpu") -> np.ndarray:
    """layer(x) for an array x of shape (batch, ...), as float32."""
    from fastnn import utils
    from fastnn.training.step import DataSpec, predict_plan

    x = np.ascontiguousarray(x)
    buffers = flat_buffers(layer.weights)
    setting = (training, device, get_matmul_precision())
    key = (x.shape, x.dtype.name, *setting, *(b.ctypes.data for b in buffers.values()))
    programs = layer.__dict__.setdefault("_eager_programs", {})
    if key not in programs:
        spec = DataSpec((x.shape[1:], x.dtype.name))
        program = make_program(predict_plan(layer, spec, len(x), training), buffers, device)
        if len(programs) >= MAX_PROGRAMS:
            programs.pop(next(iter(programs)))
        programs[key] = program
    program = programs[key]
    out = np.empty((len(x), *program.plan.bound["out"][0][1:]), np.float32)
    program.run({"x": x, "out": out}, batch=len(x), seed=utils.next_seed() if training else 0)
    program.release()
    return out


def flat_buffers(variables: list[Variable]) -> dict[str, np.ndarray]:
    """The flat buffers that hold `variables`, by space; lays out those that have none yet."""
    from fastnn.training.parameters import Parameters

    storages = {id(v.storage): v.storage for v in variables}
    if None in storages.values() or len({s.space for s in storages.values()}) < len(storages):
        return Parameters(variables).buffers
    return {s.space: s.buffer for s in storages.values()}
