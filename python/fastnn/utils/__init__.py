"""Seeds, names, and small conversions of data."""

from __future__ import annotations

from .labels import to_categorical
from .naming import clear_session
from .py_dataset import PyDataset
from .seeds import next_seed, set_random_seed

Sequence = PyDataset  # its name in Keras 2

__all__ = [
    "PyDataset",
    "Sequence",
    "clear_session",
    "next_seed",
    "set_random_seed",
    "to_categorical",
]
