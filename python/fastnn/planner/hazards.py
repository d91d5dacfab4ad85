"""Where threads must meet: a step that touches bytes which another thread may still be using.

All threads walk the list on their own; inside a step each does its share, and of a serial step the
first thread does all. A barrier goes before a step that reads what an earlier step since the last
barrier wrote, or writes what one read or wrote: unless both are serial, and so the first thread's.
"""

from __future__ import annotations

from collections.abc import Iterator

from .plan import Place, Step
from .signature import signatures

# A step of less work than this (operations, and a quarter of the bytes) is serial: sharing it would
# cost more than it saves on any machine. How many threads share the others is decided where the
# machine is known (csrc/program/cost.h).
SERIAL_WORK = 8192


def place_barriers(steps: list[Step]) -> None:
    """Sets `serial` and `barrier` of every step. A chained step and its next are done as one."""
    shared: list[tuple[Place, bool]] = []  # (place, written) since the last barrier, by all threads
    firsts: list[tuple[Place, bool]] = []  # the same by the first thread, in serial steps
    for together in _done_together(steps):
        touched, work = [], 0
        for step in together:
            for place, operand in zip(
                step.operands, signatures()[step.opcode].operands, strict=True
            ):
                if place is not None:
                    touched.append((place, operand.written))
                    work += place.nbytes // 4
            work += step.flops
        serial = work < SERIAL_WORK
        for step in together:
            step.serial, step.barrier = serial, False
        if _clash(touched, shared) or (not serial and _clash(touched, firsts)):
            together[0].barrier = True
            shared, firsts = [], []
        (firsts if serial else shared).extend(touched)


def _done_together(steps: list[Step]) -> Iterator[list[Step]]:
    chained: list[Step] = []
    for step in steps:
        if step.chained:
            chained.append(step)
        else:
            yield [*chained, step]
            chained = []


def _clash(ours: list[tuple[Place, bool]], others: list[tuple[Place, bool]]) -> bool:
    return any(
        (written or was_written) and place.overlaps(other)
        for place, written in ours
        for other, was_written in others
    )
