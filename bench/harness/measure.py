"""The measuring itself: every worker has its turn at every case, round after round."""

from __future__ import annotations

import math
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from .machine import busy_seconds, process_seconds, running
from .worker import PEERS, Worker

SAMPLE = 2e-4  # seconds that a sample takes at least: shorter calls are timed many together


@dataclass(frozen=True)
class Case:
    """One thing to time. `name` is what workers are asked for; `facts` go into the record."""

    name: str
    facts: dict = field(default_factory=dict)


@dataclass
class Measured:
    """What a worker did with a case. The lists grow by one each round."""

    worker: Worker
    case: Case
    repeat: int = 1
    calls: int = 1
    seconds: list[float] = field(default_factory=list)  # of one call: the median of a turn
    p99: list[float] = field(default_factory=list)  # of one call, where each was timed alone
    cpu_seconds: list[float] = field(default_factory=list)  # of one call, all threads together
    facts: dict = field(default_factory=dict)  # what the worker told beside the seconds, last
    skipped: str | None = None  # why there is nothing
    once: float = 0.0  # seconds of a call in the last turn

    def turn(self, measured: bool) -> None:
        before = self.worker.cpu_seconds()
        heard = self.worker.run(self.case.name, self.repeat, self.calls)
        self.skipped = heard.pop("skipped", None)
        if self.skipped:
            return
        seconds = heard.pop("seconds")
        self.facts, self.once = heard, statistics.median(seconds)
        if measured:
            self.seconds.append(self.once)
            if self.calls == 1 and len(seconds) >= 100:
                self.p99.append(sorted(seconds)[len(seconds) * 99 // 100])
            spent = self.worker.cpu_seconds() - before
            self.cpu_seconds.append(spent / (self.repeat * self.calls))

    def fit_into(self, turn: float, sample: float) -> None:
        """How many calls make a sample, and how many samples a turn of so many seconds."""
        once = self.once
        if once < turn:  # it may have paid for waking up, or have been interrupted
            once = self._least_of_three()
            while once * self.calls < sample / 2:
                self.calls = min(10 * self.calls, math.ceil(sample / once))
                once = self._least_of_three()
        self.repeat = max(3 if once < turn else 1, round(turn / (once * self.calls)))

    def _least_of_three(self) -> float:
        return max(min(self.worker.run(self.case.name, 3, self.calls)["seconds"]), 1e-9)


@dataclass
class Measurement:
    results: list[Measured]
    foreign_share: float  # of all CPUs, that processes other than the workers took
    idle_share: dict[Worker, float]  # of a CPU, that a worker took while it waited
    peaks: dict[str, float]  # FLOPs or bytes a second


def measure(
    workers: Sequence[Worker],
    cases: Sequence[Case],
    rounds: int,
    *,
    turn: float | None = 0.02,
    sample: float = SAMPLE,
    warm_up: int = 1,
    peaks: Sequence[str] = (),
    known: Sequence[int] = (),
) -> Measurement:
    """Time every case by every worker, one worker at a time: A B C A B C for the first case of a
    round, then for the next one, then the next round.

    Args:
        turn: about how many seconds of calls a worker makes in its turn, or None for one call.
        sample: seconds of calls that are timed together; 0 times each alone, and tells p99 too.
        warm_up: turns before those that count.
        peaks: what the machine can do at most, measured in every round by as many threads: "fma",
            "bf16 dot", "copy 80000000" (`peers/peaks`).
        known: processes that shall run meanwhile, and are nobody's foreign load.
    """
    gauge = peak_gauge(workers[0].hello["threads"]) if peaks else None
    tops: dict[str, list[float]] = {}
    results = [Measured(worker, case) for case in cases for worker in workers]
    for result in results * warm_up:
        settle(workers)
        result.turn(measured=False)
    for result in results:
        if turn is not None and not result.skipped:
            settle(workers)
            result.fit_into(turn, sample)

    idle = dict.fromkeys(workers, 0.0)  # CPU seconds that a worker took in others' turns
    waited = dict.fromkeys(workers, 0.0)
    pids = [os.getpid(), *known, *(w.process.pid for w in (*workers, gauge) if w)]
    before, began, busy = _cpu_seconds(pids), time.perf_counter(), busy_seconds()
    for _ in range(rounds):
        for peak in peaks:
            settle(workers)
            if "skipped" not in (heard := gauge.run(peak)):
                tops.setdefault(peak, []).append(heard["rate"])
        for result in results:
            if result.skipped:
                continue
            settle(workers)
            start, spent = time.perf_counter(), {w: w.cpu_seconds() for w in workers}
            result.turn(measured=True)
            for worker in workers:
                if worker is not result.worker:
                    waited[worker] += time.perf_counter() - start
                    idle[worker] += worker.cpu_seconds() - spent[worker]
    wall = time.perf_counter() - began
    foreign = busy_seconds() - busy - (_cpu_seconds(pids) - before)
    if gauge:
        gauge.finish()
    return Measurement(
        results,
        max(foreign, 0.0) / (wall * os.cpu_count()),
        {worker: idle[worker] / waited[worker] if waited[worker] else 0.0 for worker in workers},
        {peak: statistics.median(rates) for peak, rates in tops.items()},
    )


def peak_gauge(threads: int) -> Worker:
    script = PEERS / "peaks" / "with_fastnn.py"
    return Worker("fastnn", "peaks", script, sys.executable, {"threads": threads})


def settle(workers: Sequence[Worker], longest: float = 0.5) -> None:
    """Wait until nobody spins any more: teams of threads do, for some time after their turn."""
    end = time.perf_counter() + longest
    while any(running(worker.process.pid) for worker in workers) and time.perf_counter() < end:
        time.sleep(0.001)


def _cpu_seconds(pids: Sequence[int]) -> float:
    return sum(map(process_seconds, pids))
