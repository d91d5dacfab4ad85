"""Metrics, row by row and in float64, as Keras 3 defines them."""

from __future__ import annotations

import numpy as np


def in_top_k(labels, scores, k):
    """1 where fewer than k scores of the row are above the label's, all scores being finite."""
    rows = []
    for label, row in zip(labels.tolist(), scores, strict=True):
        usable = 0 <= label < len(row) and np.isfinite(row).all()
        rows.append(float(usable and (row > row[label]).sum() < k))
    return np.array(rows)


def confusion(targets, predictions, weights, thresholds):
    """[4, t]: weights of true positives, false positives, true negatives, false negatives."""
    positive = targets[None, :] != 0
    above = predictions[None, :] > thresholds[:, None]
    cells = (positive & above, ~positive & above, ~positive & ~above, positive & ~above)
    return np.stack([(cell * weights).sum(-1) for cell in cells])
