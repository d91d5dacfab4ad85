"""Text tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def aligned(lines: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their widest cell: the first to the left, the others to the right."""
    lines = list(lines)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def seconds_text(seconds: float) -> str:
    """Three digits and a unit: "12.3 us"."""
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def by_case(made: Sequence[dict]) -> str:
    """A line for each case, a column for each peer and mode: seconds, and fastnn's by theirs."""
    names = list(dict.fromkeys(f"{row['peer']} {row['mode']}" for row in made))
    lines = {}
    for row in made:
        cell = "-" if "skipped" in row else seconds_text(row["median"])
        if row["ratio"] not in (None, 1.0):
            cell += f" ({row['ratio']:.2f})"
        lines.setdefault(row["case"], {})[f"{row['peer']} {row['mode']}"] = cell
    return aligned([["case", *names]] + [[case, *cells.values()] for case, cells in lines.items()])
