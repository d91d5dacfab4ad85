"""The proof that a plan's layout is sound, asked of every program that the suite plans."""

from __future__ import annotations

import numpy as np

from fastnn.planner.plan import ARENA, Plan
from fastnn.planner.signature import signatures


def assert_layout_is_sound(plan: Plan) -> None:
    """Replays the plan with the owner of each arena byte: nobody reads what another wrote over."""
    owner = np.zeros(plan.arena_bytes, np.int64)
    for node in plan.nodes:
        for t in node.inputs:
            place = plan.places.get(t)
            if place is not None and place.space == ARENA:
                assert (owner[place.offset : place.end] == _made_as(t)).all(), f"{node} reads {t}"
        if not node.op.alias:
            for t in node.outputs:
                place = plan.places[t]
                if place.space == ARENA:
                    owner[place.offset : place.end] = id(t)


def _made_as(t) -> int:
    """The identity of the tensor whose bytes t is (reshapes share them)."""
    while t.node.op.alias:
        t = t.node.inputs[0]
    return id(t)


def assert_barriers_are_enough(plan: Plan) -> None:
    """Between two barriers, no step touches bytes that another one writes."""
    since: list = []
    for step in plan.steps:
        if step.barrier:
            since = []
        operands = signatures()[step.opcode].operands
        ours = [(p, o.written) for p, o in zip(step.operands, operands, strict=True) if p]
        for place, written in ours:
            for other, was_written in since:
                assert not (written or was_written) or not place.overlaps(other), step.opcode
        since += ours
