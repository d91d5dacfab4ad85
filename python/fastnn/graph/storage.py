"""Flat buffers: many variables, one range of memory."""

from __future__ import annotations

import itertools
import os
import threading

import numpy as np

from .tensor import Variable

ALIGN = 64  # bytes: a cache line, and the widest CPU vector

# Another number whenever variables were laid out, a model's layers changed, or the precision of
# products was set: what was planned before may be out of date. An array, because native code looks
# at it in every call of a model.
REVISION = np.zeros(1, np.int64)
_revisions = itertools.count(1)


def revise() -> None:
    REVISION[0] = next(_revisions)  # never the same again, whichever thread comes last


class _Planning:
    """The lock of `planning`; a child process begins with a free one."""

    def __init__(self):
        self.renew()
        os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        self.lock = threading.RLock()


_planning = _Planning()


def planning() -> threading.RLock:
    """`with planning():` one thread at a time lays out variables, and plans where they lie."""
    return _planning.lock


def align(n: int, to: int = ALIGN) -> int:
    return -(-n // to) * to


def allocate(nbytes: int) -> np.ndarray:
    """Zeroed bytes that start at a multiple of 64."""
    raw = np.zeros(nbytes + ALIGN, np.uint8)
    start = -raw.ctypes.data % ALIGN
    return raw[start : start + nbytes]


class Storage:
    """Lays `variables` out one after another, each at a multiple of 64 bytes, and makes each one's
    `value` a view into the one buffer. The padding between them is zero and stays zero.
    """

    def __init__(self, space: str, variables: list[Variable]):
        self.space = space
        self.variables = list(variables)
        self.offsets: list[int] = []
        end = 0
        for v in self.variables:
            self.offsets.append(end)
            end = align(end + v.value.nbytes)
        self.nbytes = end
        self.buffer = allocate(end)
        for v, offset in zip(self.variables, self.offsets, strict=True):
            view = self.buffer[offset : offset + v.value.nbytes].view(v.value.dtype)
            view = view.reshape(v.shape)
            view[...] = v.value
            v.value, v.space, v.offset, v.storage = view, space, offset, self
        revise()

    def holds(self, variables: list[Variable]) -> bool:
        """Does this storage hold exactly these variables, in this order, still?"""
        return self.variables == variables and all(v.storage is self for v in variables)
