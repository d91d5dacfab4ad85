"""Figures that are files, and figures that are shown."""

from __future__ import annotations

import os


def new_figure(path: str | os.PathLike | None, size: tuple[float, float]):
    """An empty matplotlib figure of `size` inches.

    One that goes to a file needs no display and is not known to pyplot, so that nothing but the
    caller keeps it. One that is shown comes from pyplot, as notebooks and `plt.show()` expect.
    """
    try:
        import matplotlib.figure
    except ImportError as error:
        raise ImportError(
            "plots need matplotlib, which is not installed: pip install 'fastnn-native[plot]'"
        ) from error
    if path is not None:
        return matplotlib.figure.Figure(figsize=size, layout="constrained")
    import matplotlib.pyplot

    return matplotlib.pyplot.figure(figsize=size, layout="constrained")
