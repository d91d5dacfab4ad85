"""What the peers of `threads.py` share: minibatches for a network as wide as they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Task(NamedTuple):
    kind: str  # "train" or "predict"
    width: int
    batch: int
    x: np.ndarray  # [minibatches * batch, width], float32, none of it zero
    y: np.ndarray  # labels below 10, int32


def task_of(case: str) -> Task:
    """The task of "train 64 128 7": width, rows of a minibatch, minibatches."""
    kind, *numbers = case.split()
    width, batch, minibatches = map(int, numbers)
    random = np.random.default_rng(width)
    x = random.normal(size=(batch * minibatches, width)).astype(np.float32)
    return Task(kind, width, batch, x, random.integers(0, 10, len(x)).astype(np.int32))
