"""Threads that stay on their CPUs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable


def spread(call: Callable[[], object], threads: int) -> None:
    """Bind the threads that work in `call`, whoever has made them, to a CPU each.

    Two that wake up on one CPU may stay there for tens of milliseconds, and libraries whose threads
    spin then lose a factor of up to a thousand: that is a subject of its own.
    """
    time.sleep(0.5)  # threads that a library has started for later have fallen asleep by then
    before, end = thread_times(), time.perf_counter() + 0.1
    while time.perf_counter() < end:
        call()
    spent = {thread: now - before.get(thread, 0) for thread, now in thread_times().items()}
    del spent[os.getpid()]
    busiest = sorted(spent, key=spent.get, reverse=True)[: threads - 1]
    if len(busiest) < threads - 1 or any(spent[thread] < 1e7 for thread in busiest):
        raise RuntimeError(
            f"{threads} threads should have worked, for 0.1 s, on what is to spread them; besides "
            f"the first, these worked for so many ns: {[spent[thread] for thread in busiest]}."
        )
    for thread, cpu in zip([os.getpid(), *busiest], sorted(os.sched_getaffinity(0)), strict=False):
        os.sched_setaffinity(thread, {cpu})


def thread_times() -> dict[int, int]:
    """Nanoseconds that each thread of this process has run."""
    times = {}
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/schedstat") as file:
            times[int(task)] = int(file.read().split()[0])
    return times
