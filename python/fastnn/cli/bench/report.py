"""What was measured, as text and as JSON."""

from __future__ import annotations

import string
from collections.abc import Sequence

import fastnn
from fastnn.cli.bench import roofline
from fastnn.cli.bench.peaks import Peaks
from fastnn.cli.bench.work import Timed


def report(peaks: Peaks, done: Sequence[Timed]) -> str:
    letters = iter(string.ascii_uppercase)
    points, lines = {}, []
    for timed in done:
        letter = next(letters) if timed.point else " "
        if timed.point:
            points[letter] = timed.point
        lines.append([f"{letter} {timed.name}", *_cells(peaks, timed)])
    title = f"fastnn {fastnn.__version__}, {fastnn.info()['isa']}, {peaks.threads} thread"
    title += "s" if peaks.threads > 1 else ""
    return "\n\n".join([title, *_limits(peaks), _table(lines), roofline.text(peaks, points)])


def _limits(peaks: Peaks) -> list[str]:
    several = peaks.threads > 1
    heads = ["one thread", f"{peaks.threads} threads"][: 1 + several]

    def rates(alone: float, together: float) -> list[str]:
        return [f"{rate / 1e9:.1f}" for rate in (alone, together)[: 1 + several]]

    flops = [[loop, *rates(*pair)] for loop, pair in peaks.flops.items()]
    bytes = [[lv.name, _size(lv.used), *rates(lv.alone, lv.together)] for lv in peaks.levels]
    return [
        aligned([["at most, GFLOP/s", *heads], *flops]),
        aligned([["at most, GB/s read and written", "of", *heads], *bytes]),
    ]


def _table(lines: list[list[str]]) -> str:
    head = ["", "time", "GFLOP/s", "GB/s", "of the most", "which is set by"]
    return aligned([head, *lines])


def _cells(peaks: Peaks, timed: Timed) -> list[str]:
    rates = [f"{n / timed.seconds / 1e9:.1f}" if n else "" for n in (timed.flops, timed.bytes)]
    if not timed.bytes:
        return [_seconds(timed.seconds), "", "", "", ""]
    least, by = peaks.least_seconds(*timed[2:])
    return [_seconds(timed.seconds), *rates, f"{least / timed.seconds:.0%}", by]


def record(peaks: Peaks, done: Sequence[Timed]) -> dict:
    """The same for programs. FLOPs, bytes and seconds without prefixes."""
    info = fastnn.info()
    work = []
    for timed in done:
        row = timed._asdict()
        if timed.bytes:
            row["least_seconds"], row["set_by"] = peaks.least_seconds(*timed[2:])
        work.append(row)
    return {
        "fastnn": fastnn.__version__,
        "isa": info["isa"],
        "features": [name for name, there in info["features"].items() if there],
        "threads": peaks.threads,
        "flops": {loop: {"one": one, "all": all_} for loop, (one, all_) in peaks.flops.items()},
        "memory": [
            {"level": level.name, "bytes": level.used, "one": level.alone, "all": level.together}
            for level in peaks.levels
        ],
        "work": work,
    }


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _seconds(seconds: float) -> str:
    for unit, size in (("s", 1), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} us"


def _size(bytes: float) -> str:
    for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if bytes >= size:
            return f"{bytes / size:.0f} {unit}"
    return f"{bytes:.0f} B"
