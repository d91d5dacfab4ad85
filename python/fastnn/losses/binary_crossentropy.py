"""Cross-entropy of yes-or-no targets."""

from __future__ import annotations

from fastnn import ops
from fastnn.utils.arguments import check_number

from .categorical_crossentropy import check_axis
from .logits import logits_of
from .loss import LossFunctionWrapper
from .registry import add
from .shapes import align

EPSILON = 1e-7


def binary_crossentropy(
    y_true, y_pred, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
):
    """mean(-y log(p) - (1 - y) log(1 - p)) along the last axis, p first cut to [1e-7, 1 - 1e-7].
    Where y_pred is the output of a sigmoid in the same model, the loss is computed from the logits
    before it, as Keras does.

    Args:
        from_logits: y_pred are scores, the sigmoid is part of the loss.
        label_smoothing: s in [0, 1]: targets become y_true * (1 - s) + s / 2.

    Raises:
        ValueError: the shapes differ, or `axis` is not the last one.
    """
    y_true, y_pred = align("binary_crossentropy", y_true, y_pred)
    check_axis("binary_crossentropy", axis, y_pred)
    if label_smoothing:
        y_true = ops.affine(y_true, scale=1 - label_smoothing, shift=label_smoothing / 2)
    if from_logits:
        return ops.sigmoid_crossentropy(y_true, logits_of("sigmoid", y_pred))
    return ops.binary_crossentropy(y_true, y_pred, epsilon=EPSILON)


class BinaryCrossentropy(LossFunctionWrapper):
    """Cross-entropy of yes-or-no targets; see the function `binary_crossentropy`."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype=None,
    ):
        check_number("BinaryCrossentropy", "label_smoothing", label_smoothing, low=0, high=1)
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


add(binary_crossentropy, BinaryCrossentropy, "bce", "BCE")
