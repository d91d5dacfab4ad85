"""From what was measured to a record, and to a table that people read."""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from . import machine
from .measure import Measurement
from .peers import LEAST_ROUNDS

MOST_IDLE = 0.05  # of a CPU, that a waiting peer may take
MOST_FOREIGN = 0.05  # of the CPUs, that processes other than the peers may take


def rows(measurement: Measurement) -> list[dict]:
    """A row for each worker and case: medians, ratio (fastnn's first mode / this), facts."""
    made = []
    for result in measurement.results:
        worker = result.worker
        row = {"peer": worker.peer, "mode": worker.mode, "case": result.case.name}
        row |= worker.hello | result.case.facts | result.facts
        if result.skipped:
            row["skipped"] = result.skipped
        else:
            row["median"] = statistics.median(result.seconds)
            row["seconds"] = result.seconds
            if result.p99:
                row["p99"] = statistics.median(result.p99)
            row["cpu_median"] = statistics.median(result.cpu_seconds)
        made.append(row | {"idle_share": measurement.idle_share[worker]})
    ours = {}
    for row in made:
        if row["peer"] == "fastnn" and "median" in row:
            ours.setdefault(row["case"], row["median"])
    for row in made:
        there = "median" in row and row["case"] in ours
        row["ratio"] = ours[row["case"]] / row["median"] if there else None
    return made


def ratio(
    made: Sequence[dict], case: str, of: tuple[str, str], to: tuple[str, str]
) -> float | None:
    """Seconds of one (peer, mode) by those of another; None where one of them is not there."""
    there = [row for row in made if row["case"] == case and "median" in row]
    medians = {(row["peer"], row["mode"]): row["median"] for row in there}
    return medians[of] / medians[to] if of in medians and to in medians else None


def refusals(chosen: argparse.Namespace, measurement: Measurement) -> list[str]:
    """Why no ratio may be taken from this run; empty when one may."""
    reasons = []
    if chosen.rounds < LEAST_ROUNDS:
        reasons.append(f"{chosen.rounds} rounds are fewer than {LEAST_ROUNDS}")
    if measurement.foreign_share > MOST_FOREIGN:
        reasons.append(f"other processes took {measurement.foreign_share:.0%} of the CPUs")
    for worker, share in measurement.idle_share.items():
        if share > MOST_IDLE:
            reasons.append(f"{worker.name} took {share:.0%} of a CPU while it waited")
    return reasons


def conclude(
    benchmark: str,
    chosen: argparse.Namespace,
    measurement: Measurement,
    made: list[dict],
    table: Callable[[list[dict]], str],
    refused: list[str],
    **facts: object,
) -> None:
    """Print and record, and end the program: with status 1 where the run is refused.

    Args:
        made: `rows(measurement)`, with what the benchmark adds.
        table: shows them; ratios are None where the run is refused.
        refused: `refusals(chosen, measurement)`, and the benchmark's own.
        facts: more for the record.
    """
    if refused:
        for row in made:
            row["ratio"] = None
    record = {
        "benchmark": benchmark,
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(["python", *sys.argv]),
        "machine": machine.description(),
        "threads": chosen.threads,
        "rounds": chosen.rounds,
        "foreign_share": measurement.foreign_share,
        "peaks": measurement.peaks,
        **facts,
        "rows": made,
        "refused": refused,
    }
    place = record["machine"]
    versions = {name: version for row in made for name, version in row["versions"].items()}
    print(f"{place['cpu']}, {' '.join(place['isa'])}")
    print(f"{chosen.threads} threads on {place['cpus']} CPUs, {chosen.rounds} rounds")
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    for peak, rate in measurement.peaks.items():
        print(f"{peak}: {rate / 1e9:.4g} G{'B' if peak[-1].isdigit() else 'FLOP'}/s at most")
    print(f"{record['command']}\n\n{table(made)}")
    for row in made:
        if "skipped" in row:
            print(f"{row['peer']} {row['mode']}: no {row['case']}: {row['skipped']}")
    for reason in refused:
        print(f"REFUSED: {reason}")
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        with chosen.json.open("a") as file:
            file.write(json.dumps(record) + "\n")
    sys.exit(bool(refused))
