"""How good a classifier is, class by class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def confusion_matrix(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts of shape (classes, classes): rows are true classes, columns predicted ones.

    Args:
        true, predicted: class numbers in [0, classes), shape (n,).
    """
    pairs = np.asarray(true, np.int64) * classes + np.asarray(predicted, np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def precision_recall_table(matrix: np.ndarray, labels: Sequence[str]) -> str:
    """A line for each class: precision, recall, and how many of it there were.

    Precision is the share of what was predicted as the class that is of it, recall the share of the
    class that was predicted as it; `-` where there is nothing to take a share of.
    """
    lines = ["class  precision  recall  images"]
    for i, label in enumerate(labels):
        precision = _share(matrix[i, i], matrix[:, i].sum())
        recall = _share(matrix[i, i], matrix[i].sum())
        lines.append(f"{label:>5}  {precision:>9}  {recall:>6}  {matrix[i].sum():>6}")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.4f}" if whole else "-"
