"""What a worker process is told and what it answers: one line of text each way.

The driver starts a worker's script with its options in JSON, and writes lines to it:
    run REPEAT CALLS CASE   -> {"seconds": [of one call, REPEAT times the mean of CALLS calls], ...}
                               or {"skipped": why}
    finish                  -> {what it tells at the end}, and the worker ends
A worker's first line, when it is ready, names its versions and its threads. Between lines it waits
in a blocking read, so that it costs the others nothing.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple


class Command(NamedTuple):
    word: str  # "run" or "finish"
    repeat: int = 1
    calls: int = 1
    case: str = ""


class Skipped(Exception):
    """Raised by a worker that cannot do a case; the message says why."""


def options() -> SimpleNamespace:
    """`mode`, `threads`, `seed`, and what the benchmark adds. Also binds the process to `threads`
    CPUs: call it before any library is imported, because libraries count CPUs then."""
    chosen = SimpleNamespace(**json.loads(sys.argv[1]))
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: chosen.threads])
    os.environ["OMP_NUM_THREADS"] = str(chosen.threads)
    return chosen


def answer(**values: object) -> None:
    print(json.dumps(values), flush=True)


def commands() -> Iterator[Command]:
    while line := sys.stdin.readline():
        word, *rest = line.strip().split(" ", 3)
        yield Command(word, int(rest[0]), int(rest[1]), rest[2]) if rest else Command(word)


def serve(
    prepare: Callable[[str], Callable[[], Any]],
    versions: dict[str, str],
    threads: int,
    finish: Callable[[], dict] = dict,
) -> None:
    """Answer until the driver says "finish".

    Args:
        prepare: makes a case from its name, once: what it returns does the work when called, and
            returns when the work is done. A dict that it returns goes into the answer. Where it
            has a method `many`, many calls are one `many(calls)`.
        finish: what to answer at the end.
    """
    answer(versions=versions, threads=threads)
    cases = {}
    for command in commands():
        if command.word == "finish":
            answer(**finish())
            return
        try:
            if command.case not in cases:
                cases[command.case] = prepare(command.case)
            seconds, facts = timed(cases[command.case], command.repeat, command.calls)
        except Skipped as reason:
            answer(skipped=str(reason))
        else:
            answer(seconds=seconds, **facts)


def timed(call: Callable[[], Any], repeat: int, calls: int) -> tuple[list[float], dict]:
    many = getattr(call, "many", None)
    seconds, told = [], call() if many else None
    for _ in range(repeat):
        start = time.perf_counter()
        if many:
            many(calls)
        else:
            for _ in range(calls):
                told = call()
        seconds.append((time.perf_counter() - start) / calls)
    return seconds, told if isinstance(told, dict) else {}
