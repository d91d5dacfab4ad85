"""MNIST as every peer gets it: in memory, as float32, before the clock starts."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np


class Mnist(NamedTuple):
    """Pixels float32, scaled, (n, 784); labels int32."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def mnist(chosen: SimpleNamespace) -> Mnist:
    """Options: `data`, the folder that holds mnist.npz; `pixels`, "unit" (scaled to [0, 1]) or
    "symmetric" (to [-1, 1], where none is zero)."""
    with np.load(os.path.join(chosen.data, "mnist.npz")) as data:
        scaled = [
            data[name].reshape(-1, 784).astype(np.float32) / np.float32(255)
            for name in ("x_train", "x_test")
        ]
        if chosen.pixels == "symmetric":
            scaled = [2 * x - 1 for x in scaled]
        labels = [data[name].astype(np.int32) for name in ("y_train", "y_test")]
    return Mnist(scaled[0], labels[0], scaled[1], labels[1])
