"""The roofline: FLOPs a second that memory and arithmetic allow, and what came of them.

From left to right stands how many FLOPs are done with each byte that must be read or written, from
bottom to top FLOPs a second, both by their logarithms. On the left memory holds work back, on the
right arithmetic. (Williams, Waterman and Patterson, 2009)
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from fastnn.cli.bench.peaks import Peaks

WIDTH, HEIGHT = 68, 18
FEWEST, MOST = 1 / 8, 512  # FLOPs a byte
LINES = {"L1": "1", "L2": "2", "L3": "3", "memory": "m"}

Points = Mapping[str, tuple[float, float]]  # a letter -> (FLOPs a byte, FLOPs a second)


def text(peaks: Peaks, points: Points) -> str:
    """For a terminal: a slope of 1, 2, 3 and m for each level of memory, flat roofs above."""
    roofs = dict(zip("-=", peaks.roofs().values(), strict=False))
    top = 1.5 * max(roofs.values())
    bottom = min([peaks.levels[-1].together * FEWEST, *(rate for _, rate in points.values())]) / 1.5
    canvas = [[" "] * WIDTH for _ in range(HEIGHT)]

    def put(intensity: float, rate: float, character: str) -> None:
        column = math.log(intensity / FEWEST) / math.log(MOST / FEWEST) * (WIDTH - 1)
        row = math.log(top / rate) / math.log(top / bottom) * (HEIGHT - 1)
        canvas[round(row)][min(max(round(column), 0), WIDTH - 1)] = character

    for column in range(WIDTH):
        intensity = FEWEST * (MOST / FEWEST) ** (column / (WIDTH - 1))
        for level in peaks.levels:
            if level.together * intensity <= max(roofs.values()):
                put(intensity, level.together * intensity, LINES[level.name])
        for character, roof in roofs.items():
            if peaks.levels[0].together * intensity >= roof:
                put(intensity, roof, character)
    for letter, (intensity, rate) in points.items():
        put(intensity, rate, letter)

    lines = []
    for row, line in enumerate(canvas):
        rate = top * (bottom / top) ** (row / (HEIGHT - 1))
        lines.append(f"{rate / 1e9:8.3g} |{''.join(line)}".rstrip())
    marks = [FEWEST * 8**i for i in range(5)]
    axis = [" "] * (WIDTH + 4)
    for i, mark in enumerate(marks):
        place = round(i / (len(marks) - 1) * (WIDTH - 1))
        axis[place : place + 4] = f"{mark:<4.3g}"
    names = ", ".join(f"{LINES[level.name]} {level.name}" for level in peaks.levels)
    flat = ", ".join(f"{c} {name}" for c, name in zip("-=", peaks.roofs(), strict=False))
    return "\n".join(
        [" GFLOP/s", *lines, f"{'':8} +{'-' * WIDTH}", f"{'':10}{''.join(axis)}".rstrip()]
        + [f"{'':10}FLOPs a byte; {names}; {flat}"]
    )
