"""Conversions of labels."""

from __future__ import annotations

import numpy as np


def to_categorical(x, num_classes: int | None = None) -> np.ndarray:
    """One-hot rows of integer labels; `keras.utils.to_categorical`.

    Args:
        x: labels, whole numbers from 0, of shape (...) or (..., 1).
        num_classes: by default the largest label + 1.

    Returns:
        float32 array of shape (..., num_classes).

    Raises:
        ValueError: a label is negative or not smaller than `num_classes`.
    """
    labels = np.asarray(x)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    labels = labels.astype(np.int64)
    if num_classes is None:
        num_classes = int(labels.max(initial=-1)) + 1
    wrong = labels[(labels < 0) | (labels >= num_classes)]
    if wrong.size:
        raise ValueError(
            f"to_categorical: label {int(wrong[0])} is outside of [0, {num_classes}). "
            "Number the classes from 0, or pass a larger num_classes."
        )
    out = np.zeros((*labels.shape, num_classes), np.float32)
    np.put_along_axis(out, labels[..., None], 1, axis=-1)
    return out
