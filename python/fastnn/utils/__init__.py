"""Seeds, names, and small conversions of data."""

from __future__ import annotations

from .labels import to_categorical
from .naming import clear_session
from .seeds import next_seed, set_random_seed

__all__ = ["clear_session", "next_seed", "set_random_seed", "to_categorical"]
