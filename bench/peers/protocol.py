"""What a worker process is told and what it answers: one line of text each way.

The driver starts a worker with this file's options and writes lines to it:
    epoch     train one epoch over the whole set    -> {"seconds": s, "loss": mean training loss}
    finish    -> {"test_accuracy": a}, and the worker ends
A worker's first line, when it is ready, names its versions. Between lines it waits in a blocking
read, so that it costs the others nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Options(NamedTuple):
    data: str  # the folder that holds mnist.npz
    threads: int
    batch: int
    seed: int
    mode: str  # which of the peer's modes
    pixels: str  # "unit": scaled to [0, 1]; "symmetric": to [-1, 1], where none is zero


class Mnist(NamedTuple):
    """Pixels float32, scaled, (n, 784); labels int32."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def options() -> Options:
    """The command line. Also binds the process to `threads` CPUs, before any library asks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--mode", required=True)
    parser.add_argument("--pixels", choices=["unit", "symmetric"], required=True)
    chosen = Options(**vars(parser.parse_args()))
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: chosen.threads])
    os.environ["OMP_NUM_THREADS"] = str(chosen.threads)
    return chosen


def mnist(chosen: Options) -> Mnist:
    with np.load(os.path.join(chosen.data, "mnist.npz")) as data:
        scaled = [
            data[name].reshape(-1, 784).astype(np.float32) / np.float32(255)
            for name in ("x_train", "x_test")
        ]
        if chosen.pixels == "symmetric":
            scaled = [2 * x - 1 for x in scaled]
        labels = [data[name].astype(np.int32) for name in ("y_train", "y_test")]
    return Mnist(scaled[0], labels[0], scaled[1], labels[1])


def answer(**values: object) -> None:
    print(json.dumps(values), flush=True)


def commands() -> Iterator[str]:
    """The lines that come, without their ends."""
    while line := sys.stdin.readline():
        yield line.strip()
