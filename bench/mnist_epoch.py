"""Seconds per epoch of the founding network, side by side: fastnn, Keras, PyTorch, JAX.

    python bench/mnist_epoch.py --data DIR --peer keras=PYTHON --peer torch=PYTHON --peer jax=PYTHON

All of MNIST, scaled pixels in float32, 784-128-10, Adam, batch 128. Each peer is a
process of its own interpreter (this one, where none is named), bound to the same CPUs, and trains
one epoch when its turn comes: A B C D A B C D. Medians over the rounds. README.md says what makes
the comparison fair, and what is refused.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import statistics
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

from harness import machine
from harness.worker import Worker

MODES = {
    "fastnn": ["fit"],
    "keras": ["fit", "jit", "steps", "steps+jit"],
    "torch": ["eager"],
    "jax": ["scan"],
}
WARM_UP = 2  # epochs: compilation, tuning of input pipelines
BATCH = 128
LEAST_ROUNDS = 7
LEAST_ACCURACY = 0.95  # a network that has learnt the digits
MOST_IDLE = 0.05  # of a CPU, that a waiting peer may take
MOST_FOREIGN = 0.05  # of the CPUs, that processes other than the peers may take


def main() -> None:
    chosen = arguments()
    workers = start(chosen)
    for worker in workers * WARM_UP:
        worker.epoch(measured=False)
    began, busy = time.perf_counter(), machine.busy_seconds()
    for _ in range(chosen.rounds):
        for worker in workers:
            with watched([other for other in workers if other is not worker]):
                worker.epoch(measured=True)
    wall = time.perf_counter() - began
    ours = sum(sum(worker.cpu_seconds) for worker in workers)
    foreign = (machine.busy_seconds() - busy - ours) / (wall * os.cpu_count())
    for worker in workers:
        worker.finish()
    record = summary(chosen, workers, max(foreign, 0.0))
    print(table(record))
    if chosen.json:
        with chosen.json.open("a") as file:
            file.write(json.dumps(record) + "\n")
    sys.exit(bool(record["refused"]))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    named = os.environ.get("FASTNN_BENCH_PEERS", "").split()
    parser.add_argument(
        "--peer",
        action="append",
        default=named,
        metavar="NAME=PYTHON",
        help=f"the interpreter of a peer, of {', '.join(MODES)}; also in $FASTNN_BENCH_PEERS",
    )
    parser.add_argument("--only", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("FASTNN_DATA"), help="has mnist.npz"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--pixels",
        choices=["unit", "symmetric"],
        default="unit",
        help="scaled to [0, 1], where four fifths are zeros, or to [-1, 1], where none is",
    )
    parser.add_argument("--json", type=Path, help="append the record to this .jsonl file")
    chosen = parser.parse_args()
    for peer in chosen.peer:
        if peer.split("=")[0] not in MODES or "=" not in peer:
            parser.error(f"a peer is NAME=PYTHON, NAME one of {', '.join(MODES)}; got {peer!r}")
    if chosen.data is None or not (Path(chosen.data) / "mnist.npz").exists():
        parser.error("no full MNIST: name the folder of mnist.npz by --data or $FASTNN_DATA")
    return chosen


def start(chosen: argparse.Namespace) -> list[Worker]:
    """A worker for each mode of each peer that is there; says which are not."""
    pythons = dict(peer.split("=", 1) for peer in chosen.peer)
    names = ("data", "threads", "seed", "pixels")
    options = {name: getattr(chosen, name) for name in names} | {"batch": BATCH}
    workers = []
    for peer in chosen.only:
        python = pythons.get(peer, sys.executable)
        if subprocess.run([python, "-c", f"import {peer}"], capture_output=True).returncode:
            print(f"{peer}: skipped, {python} cannot import it", file=sys.stderr)
            continue
        workers += [Worker.start(peer, mode, python, options) for mode in MODES[peer]]
    if not workers:
        sys.exit("nothing to compare: no peer is there")
    return workers


@contextlib.contextmanager
def watched(waiting: list[Worker]):
    """Notes what share of a CPU each waiting worker takes meanwhile."""
    before = [machine.process_seconds(worker.process.pid) for worker in waiting]
    began = time.perf_counter()
    yield
    wall = time.perf_counter() - began
    for worker, then in zip(waiting, before, strict=True):
        # A tick of the clock is 10 ms: of the shortest turns one says nothing.
        spent = machine.process_seconds(worker.process.pid) - then - 0.01
        worker.idle_share = max(worker.idle_share, spent / wall)


def summary(chosen: argparse.Namespace, workers: list[Worker], foreign: float) -> dict:
    rows = [
        {
            "peer": worker.peer,
            "mode": worker.mode,
            **worker.hello,
            "median": statistics.median(worker.seconds),
            "seconds": worker.seconds,
            "cpu_median": statistics.median(worker.cpu_seconds),
            "loss": worker.loss,
            "test_accuracy": worker.test_accuracy,
            "idle_share": worker.idle_share,
        }
        for worker in workers
    ]
    refused = refusals(rows, chosen.rounds, foreign)
    ours = [row["median"] for row in rows if row["peer"] == "fastnn"]
    for row in rows:
        row["ratio"] = min(ours) / row["median"] if ours and not refused else None
    return {
        "benchmark": "mnist_epoch",
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(["python", *sys.argv]),
        "machine": machine.description(),
        "threads": chosen.threads,
        "pixels": chosen.pixels,
        "batch": BATCH,
        "rounds": chosen.rounds,
        "foreign_share": foreign,
        "rows": rows,
        "refused": refused,
    }


def refusals(rows: list[dict], rounds: int, foreign: float) -> list[str]:
    """Why no ratio may be taken from this run; empty when one may."""
    reasons = []
    if rounds < LEAST_ROUNDS:
        reasons.append(f"{rounds} rounds are fewer than {LEAST_ROUNDS}")
    if foreign > MOST_FOREIGN:
        reasons.append(f"other processes took {foreign:.0%} of the CPUs")
    accuracy = statistics.median(row["test_accuracy"] for row in rows)
    loss = statistics.median(row["loss"] for row in rows)
    for row in rows:
        name = f"{row['peer']} ({row['mode']})"
        if abs(row["test_accuracy"] - accuracy) > 0.01 or row["test_accuracy"] < LEAST_ACCURACY:
            reasons.append(f"{name} has test accuracy {row['test_accuracy']:.4f}")
        if not loss / 1.25 < row["loss"] < loss * 1.25:
            reasons.append(f"{name} has training loss {row['loss']:.4f}, the median is {loss:.4f}")
        if row["idle_share"] > MOST_IDLE:
            reasons.append(f"{name} took {row['idle_share']:.0%} of a CPU while it waited")
    return reasons


def table(record: dict) -> str:
    place = record["machine"]
    versions = {name: v for row in record["rows"] for name, v in row["versions"].items()}
    lines = [
        f"{place['cpu']}, {' '.join(place['isa'])}",
        f"{record['threads']} threads on {place['cpus']} CPUs, {record['rounds']} rounds, "
        f"pixels {record['pixels']}",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        record["command"],
        "",
        "peer               s/epoch     min     max   CPU s     loss  test acc  fastnn/it",
    ]
    for row in record["rows"]:
        name = f"{row['peer']} {row['mode']}"
        times = f"{min(row['seconds']):8.3f}{max(row['seconds']):8.3f}{row['cpu_median']:8.2f}"
        quality = f"{row['loss']:9.4f}{row['test_accuracy']:10.4f}"
        ratio = "" if row["ratio"] is None else f"{row['ratio']:11.3f}"
        lines.append(f"{name:<17}{row['median']:9.3f}{times}{quality}{ratio}")
    lines += [f"REFUSED: {reason}" for reason in record["refused"]]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
