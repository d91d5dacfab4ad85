"""Calling one layer on an array: a one-layer program, planned once per shape."""

from __future__ import annotations

import numpy as np

from fastnn.graph import Variable, planning
from fastnn.graph.away import come_home
from fastnn.precision import get_matmul_precision

from .faults import raise_fault
from .program import make_routine

MAX_PROGRAMS = 16  # per layer


def eager_call(layer, x: np.ndarray, training: bool = False) -> np.ndarray:
    """layer(x) for an array x of shape (batch, ...), as float32."""
    from fastnn import utils

    x = np.require(x, requirements=("C", "A"))
    with planning():
        routine = _kept_routine(layer, x, training)
    out = np.empty(routine.out_shape, np.float32)
    fault = routine.run(x, out, utils.next_seed() if training else 0)
    if fault is not None:
        raise_fault(*fault)
    return out


def _kept_routine(layer, x: np.ndarray, training: bool):
    from fastnn.training.step import call_plan

    buffers = flat_buffers(layer.weights)
    setting = (training, get_matmul_precision())
    key = (x.shape, x.dtype.name, *setting, *(b.ctypes.data for b in buffers.values()))
    kept = layer.__dict__.setdefault("_eager_routines", {})
    if key not in kept:
        plan = call_plan(layer, (x.shape[1:], x.dtype.name), len(x), training)
        routine = make_routine(plan, buffers, x, len(x))
        if len(kept) >= MAX_PROGRAMS:
            kept.pop(next(iter(kept)))
        kept[key] = routine
    return kept[key]


def flat_buffers(variables: list[Variable]) -> dict[str, np.ndarray]:
    """The flat buffers that hold `variables`, by space; lays out those that have none yet."""
    from fastnn.training.parameters import Parameters

    storages = {id(v.storage): v.storage for v in variables}
    come_home(*(s.buffer for s in storages.values() if s is not None))
    if None in storages.values() or len({s.space for s in storages.values()}) < len(storages):
        return Parameters(variables).buffers
    return {s.space: s.buffer for s in storages.values()}
