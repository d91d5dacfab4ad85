"""Where threads must meet: a step that touches bytes which another thread may still be using.

All threads walk the list on their own; inside a step each does its share. A barrier goes before a
step that reads what an earlier step since the last barrier wrote, or writes what one read or wrote.
"""

from __future__ import annotations

from .plan import Place, Step
from .signature import signatures

# A step of less work than this (operations, and a quarter of the bytes) is done by one thread:
# sharing it would cost more than it saves.
SERIAL_WORK = 8192


def place_barriers(steps: list[Step]) -> None:
    """Sets `serial` and `barrier` of every step."""
    reads: list[Place] = []
    writes: list[Place] = []
    for step in steps:
        moved = sum(p.nbytes for p in step.operands if p is not None)
        step.serial = step.flops + moved // 4 < SERIAL_WORK
        sig = signatures()[step.opcode]
        r = [p for p, o in zip(step.operands, sig.operands, strict=True) if p and o.read]
        w = [p for p, o in zip(step.operands, sig.operands, strict=True) if p and o.written]
        step.barrier = _meet(r, writes) or _meet(w, writes) or _meet(w, reads)
        if step.barrier:
            reads, writes = [], []
        reads += r
        writes += w


def _meet(ours: list[Place], others: list[Place]) -> bool:
    return any(a.overlaps(b) for a in ours for b in others)
