"""Buffers of which a device has the newest, by space (runtime/mirror.py says more). Whoever looks
at one on the host calls `come_home` first; `Variable.value` does.
"""

from __future__ import annotations

AWAY: dict[str, list] = {}


def come_home(*spaces: str) -> None:
    """The host's buffers of these spaces are the newest again."""
    for space in spaces:
        for mirror in AWAY.pop(space, ()):
            mirror.come_home()
