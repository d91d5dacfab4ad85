"""Class numbers, checked: the references raise where a kernel reports a fault."""

from __future__ import annotations

import numpy as np

NO_LABEL = -(2**31)  # the attribute `ignore` of a kernel that ignores no label


def check_labels(labels, classes: int, ignore: int | None = None):
    """Raises ValueError for the first label outside [0, classes) that is not `ignore`.

    Returns where a label counts (all of them but the ignored), and the labels with 0 in place of
    the ignored ones.
    """
    counted = np.ones(labels.shape, bool) if ignore is None else labels != ignore
    wrong = np.flatnonzero(counted & ((labels < 0) | (labels >= classes)))
    if wrong.size:
        row = int(wrong[0])
        raise ValueError(
            f"label {int(labels.flat[row])} in row {row} is out of range for {classes} classes."
        )
    return counted, np.where(counted, labels, 0)


def native_ignore(node) -> dict[str, float]:
    """The node's attributes, with `ignore=None` as a number."""
    ignore = node.attrs["ignore"]
    return {**node.attrs, "ignore": NO_LABEL if ignore is None else ignore}
