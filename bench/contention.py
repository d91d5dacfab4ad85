"""A training step beside other processes that want the same CPUs: fastnn and PyTorch.

    python bench/contention.py --peer torch=PYTHON

The founding network (784-128-10, Adam, batch 128) on a quiet machine; beside a busy loop that is
bound to the last of the CPUs; beside one that the scheduler may move; beside a second training like
itself. Seconds and CPU seconds of a step, and how many times the quiet ones they are.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from harness import (
    Case,
    aligned,
    arguments,
    conclude,
    measure,
    refusals,
    rows,
    seconds_text,
    start,
)

MODES = {"fastnn": ["fit"], "torch": ["eager"]}
STEPS = {"fastnn": 512, "torch": 48}  # in one call: a dozen of the scheduler's time slices at least
CASES = ["settling", "quiet", "bound loop", "loose loop", "second training"]
LOOP = "import os, sys\nos.sched_setaffinity(0, map(int, sys.argv[1:]))\nwhile True: pass"


def main() -> None:
    chosen = arguments(__doc__, MODES).parse_args()
    cpus = sorted(os.sched_getaffinity(0))[: chosen.threads]
    loops = {"bound loop": loop(cpus[-1:]), "loose loop": loop(cpus)}
    trainings = start("contention", chosen, {p: ["rival"] for p in MODES}, steps=STEPS, rivals={})
    stopped = [*loops.values(), *(worker.process for worker in trainings)]
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    rivals = {case: process.pid for case, process in loops.items()}
    rivals |= {f"second training, {worker.peer}": worker.process.pid for worker in trainings}
    try:
        workers = start("contention", chosen, MODES, steps=STEPS, rivals=rivals)
        measurement = measure(
            workers,
            [Case(case) for case in CASES],
            chosen.rounds,
            turn=None,
            known=[process.pid for process in stopped],
        )
    finally:
        for process in stopped:
            process.kill()
    made = [row for row in rows(measurement) if row["case"] != "settling"]
    against_quiet(made)
    conclude("contention", chosen, measurement, made, table, refusals(chosen, measurement))


def loop(cpus: list[int]) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", LOOP, *map(str, cpus)])


def against_quiet(made: list[dict]) -> None:
    """Seconds of a step, and those of the quiet case that they are."""
    quiet = {row["peer"]: row["median"] for row in made if row["case"] == "quiet"}
    for row in made:
        row["steps"] = STEPS[row["peer"]]
        row["step"] = row["median"] / row["steps"]
        row["times_quiet"] = row["median"] / quiet[row["peer"]]


def table(made: list[dict]) -> str:
    lines = [["case", "peer", "step", "CPU", "quiet ones"]]
    for row in made:
        times = [row["step"], row["cpu_median"] / row["steps"]]
        lines.append([row["case"], row["peer"], *map(seconds_text, times)])
        lines[-1].append(f"{row['times_quiet']:.2f}")
    return aligned(lines)


if __name__ == "__main__":
    main()
