"""A plan as the bytes that native code reads."""

from __future__ import annotations

import numpy as np

from fastnn.planner import SPACES, Plan
from fastnn.planner.signature import signatures

from .instr import BARRIER, CHAINED, HALVED, INSTR, SERIAL


def space_names(plan: Plan) -> list[str]:
    """The program's spaces in order: the model's flat buffers, then the bound arrays."""
    return [*SPACES, *plan.bound]


def encode(plan: Plan) -> np.ndarray:
    """One INSTR record a step."""
    index = {name: i for i, name in enumerate(space_names(plan))}
    table = np.zeros(len(plan.steps), INSTR)
    table["operands"]["space"] = -1
    for i, step in enumerate(plan.steps):
        sig = signatures()[step.opcode]
        record = table[i]
        record["opcode"] = sig.code
        record["flags"] = (
            step.barrier * BARRIER
            | step.serial * SERIAL
            | step.chained * CHAINED
            | step.halved * HALVED
        )
        record["node"] = i
        record["dims"][: len(sig.dims)] = [step.dims[d] for d in sig.dims]
        record["attrs"][: len(sig.attrs)] = [step.attrs[a] for a in sig.attrs]
        for k, place in enumerate(step.operands):
            if place is not None:
                record["operands"][k]["space"] = index[place.space]
                record["operands"][k]["offset"] = place.offset
    return table
