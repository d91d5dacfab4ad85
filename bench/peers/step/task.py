"""What every peer of `step.py` is given: the data, the initial weights; and what it tells."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np


class Task(NamedTuple):
    """Pixels float32 in [-1, 1], none zero, (rows, in); labels int32, by a linear rule."""

    sizes: list[int]
    batch: int
    x: np.ndarray
    y: np.ndarray
    weights: list[np.ndarray]  # kernel (in, out) and bias (out) of each layer, Glorot's


def task_of(case: str, chosen: SimpleNamespace) -> Task:
    """Case: "784-128-10 128", the layers' sizes and the batch."""
    net, batch = case.split()
    sizes = [int(size) for size in net.split("-")]
    random = np.random.default_rng(chosen.seed)
    x = random.uniform(-1, 1, (chosen.rows, sizes[0])).astype(np.float32)
    x[x == 0] = 0.5
    y = (x @ random.standard_normal((sizes[0], sizes[-1]), np.float32)).argmax(1).astype(np.int32)
    weights = []
    for m, n in zip(sizes[:-1], sizes[1:], strict=True):
        limit = np.sqrt(6 / (m + n))
        weights.append(random.uniform(-limit, limit, (m, n)).astype(np.float32))
        weights.append(np.zeros(n, np.float32))
    return Task(sizes, int(batch), x, y, weights)


def telling(epoch: Callable[[], float]) -> Callable[[], dict]:
    """A case that trains an epoch and tells the mean losses of the first two."""
    losses: list[float] = []

    def call() -> dict:
        loss = epoch()
        if len(losses) < 2:
            losses.append(float(loss))
        return {"losses": losses}

    return call
