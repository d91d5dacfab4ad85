"""Work beside a rival: a process that waits, stopped, until it is wanted."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from protocol import answer, serve

SETTLING = 0.5  # seconds: twice as long as fastnn stays on one thread after the last rival


def data(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """x [128 * steps, 784] float32, no zeros; labels below 10, int32."""
    random = np.random.default_rng(1)
    x = random.normal(size=(128 * steps, 784)).astype(np.float32)
    return x, random.integers(0, 10, len(x)).astype(np.int32)


def work(
    train: Callable[[], None], peer: str, versions: dict[str, str], chosen: SimpleNamespace
) -> None:
    """Serve the driver with `train`, which does `chosen.steps[peer]` steps: alone in the case
    "quiet", beside the process in `chosen.rivals` in others; in "settling" it trains until what
    earlier rivals have left behind is over. Or be a rival."""
    if chosen.mode == "rival":
        answer(versions=versions, threads=chosen.threads)
        while True:
            train()

    def settle() -> None:
        end = time.perf_counter() + SETTLING
        while time.perf_counter() < end:
            train()

    def prepare(case: str) -> Callable[[], None]:
        if case == "settling":
            return settle
        pid = chosen.rivals.get(case) or chosen.rivals.get(f"{case}, {peer}")
        if pid is None:
            return train

        def beside() -> None:
            os.kill(pid, signal.SIGCONT)
            try:
                train()
            finally:
                os.kill(pid, signal.SIGSTOP)

        return beside

    serve(prepare, versions, chosen.threads)
