"""Where seeds come from: one counter, so that one number makes a whole program reproducible."""

from __future__ import annotations

import os

_base: int | None = None  # taken from the operating system at the first use, unless set
_drawn = 0


def set_random_seed(seed: int) -> None:
    """Makes everything that is drawn after this call reproducible, in any process.

    Initial weights, dropout and shuffling follow from `seed` and from the order in which they are
    asked for. Python's `random` and NumPy's legacy generator are seeded too, as Keras does.

    Raises:
        ValueError: `seed` is not a whole number in [0, 2**32).
    """
    global _base, _drawn
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ValueError(f"set_random_seed: seed must be an int in [0, 2**32). Received: {seed!r}")
    import random

    from numpy import random as numpy_random

    random.seed(seed)
    numpy_random.seed(seed)
    _base, _drawn = seed, 0


def next_seed() -> int:
    """The next seed, in [0, 2**64)."""
    global _base, _drawn
    if _base is None:
        _base = int.from_bytes(os.urandom(8), "little")
    _drawn += 1
    return mix(mix(_base) + _drawn)


def mix(n: int) -> int:
    """A 64-bit hash of a whole number: the finalizer of SplitMix64 (Steele, Lea & Flood, 2014)."""
    z = (n + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return z ^ (z >> 31)
