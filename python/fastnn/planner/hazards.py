"""Where threads must meet: a step that touches bytes which another thread may still be using.

All threads walk the list on their own; inside a step each does its share. A barrier goes before a
step that reads what an earlier step since the last barrier wrote, or writes what one read or wrote.
"""

from __future__ import annotations

from collections.abc import Iterator

from .plan import Place, Step
from .signature import signatures

# A step of less work than this (operations, and a quarter of the bytes) is done by one thread:
# sharing it would cost more than it saves.
SERIAL_WORK = 8192


def place_barriers(steps: list[Step]) -> None:
    """Sets `serial` and `barrier` of every step. A chained step and its next are done as one."""
    reads: list[Place] = []
    writes: list[Place] = []
    for together in _done_together(steps):
        r, w, work = [], [], 0
        for step in together:
            operands = signatures()[step.opcode].operands
            r += [p for p, o in zip(step.operands, operands, strict=True) if p and o.read]
            w += [p for p, o in zip(step.operands, operands, strict=True) if p and o.written]
            work += step.flops + sum(p.nbytes for p in step.operands if p is not None) // 4
        for step in together:
            step.serial = work < SERIAL_WORK
            step.barrier = False
        together[0].barrier = _meet(r, writes) or _meet(w, writes) or _meet(w, reads)
        if together[0].barrier:
            reads, writes = [], []
        reads += r
        writes += w


def _done_together(steps: list[Step]) -> Iterator[list[Step]]:
    chained: list[Step] = []
    for step in steps:
        if step.chained:
            chained.append(step)
        else:
            yield [*chained, step]
            chained = []


def _meet(ours: list[Place], others: list[Place]) -> bool:
    return any(a.overlaps(b) for a in ours for b in others)
