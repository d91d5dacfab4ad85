"""The instruction record, as `csrc/program/instr.h` lays it out (a test compares the two)."""

from __future__ import annotations

import numpy as np

MAX_DIMS = MAX_ATTRS = MAX_OPERANDS = 8
BARRIER, SERIAL, CHAINED, HALVED = 1, 2, 4, 8  # flags

REF = np.dtype([("space", "<i4"), ("unused", "<i4"), ("offset", "<i8")])
INSTR = np.dtype(
    [
        ("opcode", "<u2"),
        ("flags", "<u2"),
        ("node", "<u4"),
        ("dims", "<i8", MAX_DIMS),
        ("attrs", "<f8", MAX_ATTRS),
        ("operands", REF, MAX_OPERANDS),
    ]
)
