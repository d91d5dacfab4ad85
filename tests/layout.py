"""The proof that a plan's layout is sound, asked of every program that the suite plans."""

from __future__ import annotations

import numpy as np

from fastnn.planner.plan import ARENA, Plan
from fastnn.planner.signature import signatures

OPTIMIZERS = ("sgd", "adam", "rmsprop", "adagrad", "adadelta", "adamax", "nadam")


def assert_layout_is_sound(plan: Plan) -> None:
    """Replays the plan with the owner of each arena byte: nobody reads what another wrote over."""
    owner = np.zeros(plan.arena_bytes, np.int64)
    for node in (step.node for step in plan.steps):
        for t in node.inputs:
            place = plan.places.get(t)
            if place is not None and place.space == ARENA:
                assert (owner[place.offset : place.end] == _made_as(t)).all(), f"{node} reads {t}"
        for t in node.outputs:
            place = plan.places[t]
            if place.space == ARENA:
                owner[place.offset : place.end] = id(t)


def _made_as(t) -> int:
    """The identity of the tensor whose bytes t is (reshapes share them)."""
    while t.node.op.alias:
        t = t.node.inputs[0]
    return id(t)


def _touched(step) -> list:
    """(place, is it written?) of each operand that is there."""
    operands = signatures()[step.opcode].operands
    return [(p, o.written) for p, o in zip(step.operands, operands, strict=True) if p]


def assert_chains_are_sound(plan: Plan) -> None:
    """A chained product and the optimizer's step after it may be done as one: the product is
    the gradient, nobody else sees it, and neither writes what the other reads beside it.
    """
    for i, product in enumerate(plan.steps):
        if not product.chained:
            continue
        update = plan.steps[i + 1]
        assert update.opcode in OPTIMIZERS and not update.chained and not update.barrier
        assert update.serial == product.serial
        gradient = product.operands[4]
        assert gradient == update.operands[1]
        for step in plan.steps:
            if step is not product and step is not update:
                assert not any(gradient.overlaps(p) for p, _ in _touched(step)), step.opcode
        assert not any(gradient.overlaps(plan.places[t]) for t in plan.outputs.values())
        for place, written in _touched(product):
            for other, also_written in _touched(update):
                if (written or also_written) and gradient not in (place, other):
                    assert not place.overlaps(other), update.opcode


def assert_halves_are_sound(plan: Plan) -> None:
    """What a gather made in halves is read by products in halves, as their first factor, and by
    nothing else; and those read nothing else there."""
    halves: dict = {}  # the place: the gather
    for step in plan.steps:
        for i, (place, written) in enumerate(_touched(step)):
            made = [p for p in halves if p.overlaps(place)]
            if not written:
                ours = step.halved and i == 0 and step.opcode.startswith("matmul_")
                assert made == ([place] if ours else []), step.opcode
                if ours:
                    rows = step.dims["m" if step.opcode == "matmul_nn" else "k"]
                    assert rows == halves[place].dims["b"], step.opcode
            else:
                for p in made:
                    del halves[p]
        if step.halved and step.opcode.startswith("gather_"):
            halves[step.operands[2]] = step
    assert not any(p.overlaps(plan.places[t]) for p in halves for t in plan.outputs.values())


def assert_barriers_are_enough(plan: Plan) -> None:
    """Between two barriers, no step touches bytes that another one writes, where both are not
    serial. A chained product and the step after it count as one."""
    since: list = []
    ours: list = []
    for i, step in enumerate(plan.steps):
        if step.barrier:
            since = []
        chained = i > 0 and plan.steps[i - 1].chained
        ours = [*ours, *_touched(step)] if chained else _touched(step)
        if step.chained:
            continue
        for place, written in ours:
            for other, was_written, was_serial in since:
                if step.serial and was_serial:
                    continue
                assert not (written or was_written) or not place.overlaps(other), step.opcode
        since += [(place, written, step.serial) for place, written in ours]
