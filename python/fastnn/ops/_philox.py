"""Philox4x32-10 in NumPy: the same words as `csrc/core/philox.h`, a block per element of an array.

(Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011)
"""

from __future__ import annotations

import numpy as np

_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_KEY_STEPS = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def words(seed: int, stream: int, step: int, count: int) -> np.ndarray:
    """The first `count` random words of a stream at a step, uint32. Element i is word i % 4 of
    block i // 4."""
    block = np.arange(-(-count // 4), dtype=np.uint64)
    c0, c1 = block & _LOW, block >> _HALF
    c2 = np.full_like(block, step & 0xFFFFFFFF)
    c3 = np.full_like(block, stream)
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF
    for _ in range(10):
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1 = p1 >> _HALF ^ c1 ^ np.uint64(k0), p1 & _LOW
        c2, c3 = p0 >> _HALF ^ c3 ^ np.uint64(k1), p0 & _LOW
        k0, k1 = k0 + _KEY_STEPS[0] & 0xFFFFFFFF, k1 + _KEY_STEPS[1] & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32).reshape(-1)[:count]
