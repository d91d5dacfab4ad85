"""Buffers of which a device has the newest (runtime/mirror.py says more). Whoever looks at one on
the host calls `come_home` first; `Variable.value` does.
"""

from __future__ import annotations

import numpy as np

AWAY: dict[int, list] = {}  # by the buffer's address


def go_away(mirror) -> None:
    """A device has `mirror.buffer`, until somebody looks."""
    AWAY.setdefault(mirror.buffer.ctypes.data, []).append(mirror)


def come_home(*buffers: np.ndarray) -> None:
    """These are the newest again.

    Raises:
        RuntimeError: one cannot be fetched. It stays away, so that the next who looks is told too.
    """
    if not AWAY:
        return
    for buffer in buffers:
        address = buffer.ctypes.data
        for mirror in AWAY.get(address, ()):
            mirror.come_home()
        AWAY.pop(address, None)
