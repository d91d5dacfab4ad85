"""The confusion matrix as a picture."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from fastnn.plot._figure import new_figure


def plot_confusion(
    matrix: np.ndarray, labels: Sequence[str], path: str | os.PathLike | None = None
):
    """Draw a confusion matrix with its counts; the shade is the share of the true class.

    Args:
        matrix: counts, shape (classes, classes): rows are true classes, columns predicted ones.
        labels: the classes' names, one for each row.
        path: where to save the picture; its suffix is the format. None: a figure of pyplot, which a
            notebook shows by itself and `matplotlib.pyplot.show()` elsewhere.

    Returns:
        The matplotlib figure.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: the matrix is not square, or there is not one label for each row.
    """
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape != (len(labels), len(labels)):
        raise ValueError(
            f"plot_confusion: matrix has the shape {matrix.shape}, expected"
            f" ({len(labels)}, {len(labels)}): a row and a column for each of the labels."
        )
    figure = new_figure(path, (2 + 0.5 * len(labels), 1.5 + 0.5 * len(labels)))
    axes = figure.subplots()
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            color = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, f"{count}", ha="center", va="center", color=color, fontsize=8)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if path is not None:
        figure.savefig(path)
    return figure
