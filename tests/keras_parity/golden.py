"""Reading the golden files, made with real Keras by `tools/make_golden.py`."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent.parent / "golden"
SAMPLE = 2000  # of a larger network's weights, so many are kept


def sample(weights: list[np.ndarray]) -> np.ndarray:
    """All weights in a row; of many, evenly spaced ones, a few of each tensor at least."""
    return np.concatenate([weight.ravel()[:: stride(weight)] for weight in weights])


def sample_tensors(weights: list[np.ndarray]) -> np.ndarray:
    """The index of the tensor that each element of `sample(weights)` comes from."""
    return np.repeat(
        np.arange(len(weights)), [len(weight.ravel()[:: stride(weight)]) for weight in weights]
    )


def stride(weight: np.ndarray) -> int:
    return -(-weight.size // SAMPLE)


@functools.cache
def load(name: str) -> dict[str, np.ndarray]:
    """The arrays of tests/golden/<name>.npz."""
    with np.load(FOLDER / f"{name}.npz") as data:
        return dict(data)


@functools.cache
def read(name: str) -> dict:
    """tests/golden/<name>.json."""
    return json.loads((FOLDER / f"{name}.json").read_text())
