"""Halves: a minibatch of long rows that only products read may lie as two matrices, one after the
other, each with a half of every row. Then two cores that work on one half each (csrc/cpu/README.md)
do not read ahead into each other's.

What is marked here is a permission: native code halves where all of the products are made in halves
(csrc/program/halves.h).
"""

from __future__ import annotations

from .chain import FACTOR_A, touched
from .plan import ARENA, Place, Step

LONG_ROW = 512  # elements; kLongRow in csrc/program/call.h


def halve(steps: list[Step], kept: list[Place]) -> None:
    """Sets `halved` of every gather in `steps` whose float32 rows nobody sees but products that
    multiply them, or their transpose, with something, and of those products."""
    for i, step in enumerate(steps):
        if not step.opcode.startswith("gather_") or step.dims["w"] < LONG_ROW:
            continue
        gathered = step.operands[-1]
        if step.tensors[-1].dtype != "float32" or gathered.space != ARENA:
            continue
        if any(gathered.overlaps(place) for place in kept):
            continue
        readers = _readers(steps[i + 1 :], gathered)
        if all(_multiplies(reader, step) for reader in readers):
            for user in (step, *readers):
                user.halved = True


def _readers(steps: list[Step], place: Place) -> list[Step]:
    """The steps that read what lies there, until one writes over it."""
    readers = []
    for step in steps:
        ours = [written for other, written in touched(step) if other.overlaps(place)]
        if not all(ours):
            readers.append(step)
        if any(ours):
            break
    return readers


def _multiplies(step: Step, gather: Step) -> bool:
    """Is it a product of that minibatch, or of its transpose, with something else?"""
    rows = {"matmul_nn": "m", "matmul_tn": "k"}.get(step.opcode)
    minibatch = gather.operands[-1]
    if rows is None or step.operands[FACTOR_A] != minibatch or step.dims[rows] != gather.dims["b"]:
        return False
    others = [p for i, p in enumerate(step.operands) if i != FACTOR_A and p is not None]
    return not any(p.overlaps(minibatch) for p in others)
