"""What the newest records say of each goal: measured, wanted, met or not.

    python bench/goals.py [--results bench/results/zen3]

A goal is a number from a record that was not refused (`run_all.py` makes them all). Where there is
no such record, or the peer was not there, the goal is shown as not measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from gemm import CALL, geometric_mean
from harness import aligned

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
from fill_measured import newest  # noqa: E402

FOUNDING, LARGE = "784-128-10", "784-1024-1024-10"
GEMM = "gemm.py --threads {}"


class Goal(NamedTuple):
    number: int
    what: str
    command: str  # which records it: "step.py --networks 784-128-10"
    value: Callable[[dict], float]
    bound: float
    most: bool = True  # the bound is the most that the value may be, or the least


def times(peer: str, *modes: str, ours: str | None = None, case: str = "") -> Callable:
    """fastnn's seconds (in mode `ours`, or its first) by those of the fastest of the peer's modes
    (all, where none is named), in the only case or in `case`."""

    def value(record: dict) -> float:
        rows = [r for r in record["rows"] if case in ("", r.get("case")) and "median" in r]
        theirs = [
            r["median"] for r in rows if r["peer"] == peer and (not modes or r["mode"] in modes)
        ]
        own = [r["median"] for r in rows if r["peer"] == "fastnn" and ours in (None, r["mode"])]
        return own[0] / min(theirs)

    return value


def field(name: str, mode: str, case: str = "") -> Callable:
    """A number of fastnn's row."""

    def value(record: dict) -> float:
        (row,) = (
            r
            for r in record["rows"]
            if r["peer"] == "fastnn" and r["mode"] == mode and case in ("", r.get("case"))
        )
        return row[name]

    return value


def products(summary: Callable[[list[float]], float], *peers: str) -> Callable:
    """Over the shapes, of the seconds of the fastest of the peers by fastnn's."""

    def value(record: dict) -> float:
        shapes: dict[str, dict[str, float]] = {}
        for row in record["rows"]:
            if row["case"] != CALL:
                shapes.setdefault(row["case"], {}).setdefault(row["peer"], row["median"])
        return summary([min(s[p] for p in peers) / s["fastnn"] for s in shapes.values()])

    return value


def default_by_one(record: dict) -> float:
    """The worst case of `threads.py`."""
    rows = [r for r in record["rows"] if r["peer"] == "fastnn"]
    seconds = {(r["case"], r["mode"]): r["median"] for r in rows}
    return max(seconds[case, "default"] / seconds[case, "one"] for case, _ in seconds)


def beside_a_loop(record: dict) -> float:
    """The worse of the two busy loops."""
    return max(
        r["times_quiet"] for r in record["rows"] if r["peer"] == "fastnn" and "loop" in r["case"]
    )


def micro(mode: str, case: str) -> Callable:
    seconds = field("median", mode, case)
    return lambda record: 1e6 * seconds(record)


def goals() -> list[Goal]:
    epoch = "mnist_epoch.py --pixels unit"
    founding, large = f"step.py --networks {FOUNDING}", f"step.py --networks {LARGE}"
    latency = f"latency.py --threads 2 --networks {FOUNDING}"
    one = f"{FOUNDING} 1"
    made = [
        Goal(1, "epoch of MNIST / Keras fit", epoch, times("keras", "fit"), 0.09),
        Goal(1, "epoch of MNIST / PyTorch", epoch, times("torch", "eager"), 0.20),
        Goal(1, "epoch of MNIST / JAX scan", epoch, times("jax", "scan"), 0.38),
        Goal(1, "founding step, of the peak", founding, field("share", "fp32"), 0.65, False),
    ]
    for threads in (1, 2):
        command = GEMM.format(threads)
        text = f"products, {threads} thread{'s' if threads > 1 else ''}"
        made += [
            Goal(2, f"{text}, MKL / ours", command, products(geometric_mean, "torch"), 1.0, False),
            Goal(
                2,
                f"{text}, OpenBLAS / ours",
                command,
                products(geometric_mean, "numpy"),
                1.15,
                False,
            ),
            Goal(
                2,
                f"{text}, best / ours, least",
                command,
                products(min, "torch", "numpy"),
                0.75,
                False,
            ),
        ]
    made += [
        Goal(
            2,
            "products without AVX-512, OpenBLAS / ours",
            GEMM.format(1) + " --avx2",
            products(geometric_mean, "numpy"),
            0.95,
            False,
        ),
        Goal(4, "large step / PyTorch", large, times("torch", "eager", "compiled"), 0.70),
        Goal(5, "latency, compiled, us", latency, micro("compiled", one), 6),
        Goal(5, "latency, predict, us", latency, micro("predict_auto", one), 25),
        Goal(5, "latency / PyTorch", latency, times("torch", case=one), 0.35),
        Goal(
            6,
            "Adam of 10 million, of a copy",
            "optimizer.py",
            field("of_copy", "flat", "adam 10000000"),
            0.85,
            False,
        ),
        Goal(
            6, "Adam of 100,000 / PyTorch", "optimizer.py", times("torch", case="adam 100000"), 0.5
        ),
        Goal(7, "all threads / one, at most", "threads.py", default_by_one, 1.1),
        Goal(8, "beside a loop / quiet", "contention.py", beside_a_loop, 2.5),
    ]
    return made


GOALS = goals()


def table(results: Path | None = None) -> str:
    """Of the records in a folder, by default bench/results."""
    lines = [["goal", "measured", "wanted", "", "on"]]
    for goal in GOALS:
        record = newest(f"python bench/{goal.command}", results)
        wanted = f"{'<=' if goal.most else '>='} {goal.bound}"
        try:
            value = goal.value(record) if record else None
        except (KeyError, ValueError, IndexError):  # the peer was not there
            value = None
        if value is None:
            verdict, shown, day = "not measured", "-", "-"
        else:
            met = value <= goal.bound if goal.most else value >= goal.bound
            verdict, shown, day = ("met" if met else "NOT MET"), f"{value:.3f}", record["when"]
        lines.append([f"{goal.number}  {goal.what}", shown, wanted, verdict, day])
    return aligned(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="default: bench/results")
    print(table(parser.parse_args().results))


if __name__ == "__main__":
    main()
