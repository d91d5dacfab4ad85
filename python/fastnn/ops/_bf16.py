"""bf16 in NumPy: float32 without the lower half of its bits."""

from __future__ import annotations

import numpy as np


def round_to_bf16(x: np.ndarray) -> np.ndarray:
    """x, of its own float type, each value rounded to a bf16.

    To nearest, ties to even, as the CPU's instructions do it: what is beyond the range becomes
    infinite, NaN stays NaN, denormals become zeros.
    """
    with np.errstate(over="ignore"):
        bits = np.asarray(x, np.float32).view(np.uint32)
    exponent = bits & np.uint32(0x7F800000)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> 16) & np.uint32(1))) & np.uint32(0xFFFF0000)
    rounded = np.where(exponent == 0, bits & np.uint32(0x80000000), rounded)
    rounded = np.where(np.isnan(x), np.uint32(0x7FC00000), rounded)
    return rounded.view(np.float32).astype(np.asarray(x).dtype)
