"""The roofline."""

from __future__ import annotations

import os
import string
from collections.abc import Mapping

from fastnn.plot._figure import new_figure


def plot_roofline(
    levels: Mapping[str, float],
    roofs: Mapping[str, float],
    points: Mapping[str, tuple[float, float]],
    path: str | os.PathLike | None = None,
):
    """Draw what memory and arithmetic allow, and what came of them.

    Args:
        levels: bytes a second of each level of memory, by name.
        roofs: FLOPs a second of each kind of arithmetic, by name.
        points: (FLOPs a byte, FLOPs a second) of each piece of work, by name;
            each is drawn as a letter.
        path: where to save the picture, as for `plot_history`.

    Returns:
        The matplotlib figure.

    Raises:
        ImportError: matplotlib is not installed.

    (Williams, Waterman and Patterson, 2009)
    """
    figure = new_figure(path, (9.0, 5.0))
    axes = figure.subplots()
    highest = max(roofs.values())
    fewest, most = 1 / 8, 512.0
    for name, rate in levels.items():
        label = f"{name}: {rate / 1e9:.3g} GB/s"
        axes.plot([fewest, highest / rate], [fewest * rate, highest], lw=1, label=label)
    for (name, rate), style in zip(roofs.items(), ("k-", "k--"), strict=False):
        label = f"{name}: {rate / 1e9:.4g} GFLOP/s"
        axes.plot([rate / max(levels.values()), most], [rate, rate], style, lw=1.5, label=label)
    for letter, (name, (intensity, rate)) in zip(string.ascii_uppercase, points.items()):  # noqa: B905
        axes.plot(intensity, rate, "k", ls="", marker=f"${letter}$", label=name)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlim(fewest, most)
    axes.set_xlabel("FLOPs a byte")
    axes.set_ylabel("FLOPs a second")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8)
    if path is not None:
        figure.savefig(path)
    return figure
