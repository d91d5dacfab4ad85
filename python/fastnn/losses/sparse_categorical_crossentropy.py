"""Cross-entropy of class numbers."""

from __future__ import annotations

import numpy as np

from fastnn import ops

from .categorical_crossentropy import EPSILON, check_axis
from .logits import logits_of
from .loss import LossFunctionWrapper, reduce_weighted
from .registry import add
from .shapes import align_labels, expand_weights


def sparse_categorical_crossentropy(
    y_true, y_pred, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
):
    """-log(y_pred[y_true]) along the last axis. Where y_pred is the output of a softmax in the same
    model, the loss is computed from the logits before it, as Keras does.

    Args:
        y_true: class numbers of shape (...) or (..., 1).
        y_pred: probabilities (or scores, with `from_logits`) of shape (..., classes).
        ignore_class: rows with this number give 0.

    Raises:
        ValueError: the shapes do not fit, `axis` is not the last one, or a number is no class.
    """
    y_true, y_pred = align_labels("sparse_categorical_crossentropy", y_true, y_pred)
    check_axis("sparse_categorical_crossentropy", axis, y_pred)
    if from_logits:
        logits = logits_of("softmax", y_pred)
        return ops.sparse_softmax_crossentropy(y_true, logits, ignore=ignore_class)[0]
    return ops.sparse_categorical_crossentropy(y_true, y_pred, epsilon=EPSILON, ignore=ignore_class)


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of class numbers; see the function `sparse_categorical_crossentropy`.

    With `ignore_class` the mean is taken over the rows that are not ignored.
    """

    target_dtype = "int32"

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype=None,
    ):
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )

    def emit(self, y_true, y_pred, sample_weight=None):
        ignore = self.settings["ignore_class"]
        if ignore is None or self.reduction in ("sum", "none", None):
            return super().emit(y_true, y_pred, sample_weight)
        counted = not_ignored(*align_labels(self.name, y_true, y_pred), ignore)
        rows = self.call(y_true, y_pred)
        if self.reduction == "mean_with_sample_weight":
            if sample_weight is not None:
                counted = ops.multiply(counted, expand_weights(sample_weight, rows.shape))
            return ops.weighted_sum(rows, counted, divisor=0.0)
        count = ops.maximum(ops.weighted_sum(counted, divisor=1.0), np.float32(1))
        return ops.divide(reduce_weighted(rows, sample_weight, "sum"), count)


def not_ignored(labels, y_pred, ignore: int):
    """1 for each label that counts, 0 for those that are ignored.

    The cross-entropy of equal scores is log(classes) > 0 in every row but the ignored ones.
    """
    equal = np.zeros((*labels.shape, max(y_pred.shape[-1], 2)), np.float32)
    rows = ops.sparse_softmax_crossentropy(labels, equal, ignore=ignore)[0]
    return ops.sign(rows)


add(sparse_categorical_crossentropy, SparseCategoricalCrossentropy)
