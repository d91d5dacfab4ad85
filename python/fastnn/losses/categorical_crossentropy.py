"""Cross-entropy of one-hot targets."""

from __future__ import annotations

from fastnn import ops
from fastnn.utils.arguments import check_number

from .logits import logits_of
from .loss import LossFunctionWrapper
from .registry import add
from .shapes import align

EPSILON = 1e-7


def categorical_crossentropy(
    y_true, y_pred, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
):
    """-sum(y_true * log(y_pred)) along the last axis, y_pred first divided by its sum and cut to
    [1e-7, 1 - 1e-7]. Where y_pred is the output of a softmax in the same model, the loss is
    computed from the logits before it, as Keras does: it stays exact where a probability rounds to
    0 or 1.

    Args:
        from_logits: y_pred are scores, softmax is part of the loss.
        label_smoothing: s in [0, 1]: targets become y_true * (1 - s) + s / classes.

    Raises:
        ValueError: the shapes differ, or `axis` is not the last one.
    """
    y_true, y_pred = align("categorical_crossentropy", y_true, y_pred)
    check_axis("categorical_crossentropy", axis, y_pred)
    if label_smoothing:
        s = label_smoothing
        y_true = ops.affine(y_true, scale=1 - s, shift=s / y_pred.shape[-1])
    if from_logits:
        return ops.softmax_crossentropy(y_true, logits_of("softmax", y_pred))[0]
    return ops.categorical_crossentropy(y_true, y_pred, epsilon=EPSILON)


def check_axis(where: str, axis: int, y_pred) -> None:
    """Raises ValueError when `axis` is not the last one."""
    if axis not in (-1, len(y_pred.shape) - 1):
        raise ValueError(
            f"{where}: the classes must lie along the last axis. Received: axis={axis!r} for "
            f"predictions of shape {tuple(y_pred.shape)}"
        )


class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of one-hot targets; see the function `categorical_crossentropy`."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype=None,
    ):
        check_number("CategoricalCrossentropy", "label_smoothing", label_smoothing, low=0, high=1)
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


add(categorical_crossentropy, CategoricalCrossentropy)
