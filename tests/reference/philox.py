"""Philox4x32-10 (Salmon et al., SC 2011) with Python's integers."""

from __future__ import annotations

import numpy as np

MASK = 0xFFFFFFFF


def philox(seed: int, stream: int, step: int, block: int) -> list[int]:
    """The four words of a block: key = seed, counter = (block low, block high, step, stream)."""
    c = [block & MASK, block >> 32 & MASK, step & MASK, stream & MASK]
    k = [seed & MASK, seed >> 32 & MASK]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & MASK, (a >> 32) ^ c[3] ^ k[1], a & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def uniform(n: int, seed: int, stream: int, step: int) -> np.ndarray:
    """n numbers in [0, 1), of 24 bits: four a block."""
    words = [w for block in range(-(-n // 4)) for w in philox(seed, stream, step, block)]
    return np.array([w >> 8 for w in words[:n]], np.float64) * 2.0**-24
