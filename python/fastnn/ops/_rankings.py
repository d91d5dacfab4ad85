"""Which class a row of scores means: shared by the accuracies."""

from __future__ import annotations

import numpy as np


def first_largest(scores):
    """Index of the first maximum along the last axis; NaN is never larger than another value."""
    index = np.argmax(np.where(np.isnan(scores), -np.inf, scores), axis=-1)
    return np.where(np.isnan(scores[..., 0]), 0, index)


def in_top_k(labels, scores, k: int):
    """1 where fewer than k scores of the row are above the label's, as tf.math.in_top_k: ties count
    as in; a row that is not finite, or whose label is no class, gives 0."""
    known = (labels >= 0) & (labels < scores.shape[-1])
    of_label = np.take_along_axis(scores, np.where(known, labels, 0)[..., None], -1)
    above = np.sum(scores > of_label, axis=-1)
    return (known & np.all(np.isfinite(scores), axis=-1) & (above < k)).astype(scores.dtype)


def check_k(k: int) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1, {k} came.")
