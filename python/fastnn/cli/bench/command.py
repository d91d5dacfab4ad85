"""The command: measures, then shows tables and the roofline, or JSON."""

from __future__ import annotations

import argparse
import importlib.util
import json
from pathlib import Path

SECONDS = 0.4  # for each piece of work, and a twentieth for each peak
QUICK = 0.005


def add_to(commands) -> None:
    parser = commands.add_parser(
        "bench",
        help="show how fast this machine is, and fastnn on it",
        description="Measure what this machine can do at most, and how much of that fastnn gets: "
        "matrix products, training steps, an optimizer, single predictions. It takes about 15 "
        "seconds, in which nothing else should run.",
    )
    parser.add_argument("--threads", type=_positive, metavar="N", help="default: as for training")
    parser.add_argument("--quick", action="store_true", help="a second's look, not exact")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="save the roofline as a picture")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    if options.plot is not None and importlib.util.find_spec("matplotlib") is None:
        raise SystemExit(
            "--plot needs matplotlib, which is not installed: pip install 'fastnn-native[plot]'"
        )
    import fastnn
    from fastnn.cli.bench.peaks import measure_peaks
    from fastnn.cli.bench.report import record, report
    from fastnn.cli.bench.work import all_work

    seconds = QUICK if options.quick else SECONDS
    before = fastnn.info()["threads"]
    threads = options.threads or before
    fastnn.set_num_threads(threads)
    try:
        peaks = measure_peaks(threads, seconds / 20)
        done = list(all_work(seconds))
    finally:
        fastnn.set_num_threads(before)
    print(json.dumps(record(peaks, done)) if options.json else report(peaks, done))
    if options.plot is not None:
        from fastnn.plot import plot_roofline

        levels = {level.name: level.together for level in peaks.levels}
        points = {timed.name: timed.point for timed in done if timed.point}
        plot_roofline(levels, peaks.roofs(), points, options.plot)
        if not options.json:
            print(f"\nsaved {options.plot}")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {value}")
    return value
