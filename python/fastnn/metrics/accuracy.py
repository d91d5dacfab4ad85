"""How often predictions are right: functions that give a value a row, and their means."""

from __future__ import annotations

from fastnn import ops
from fastnn.losses.shapes import align, align_labels
from fastnn.utils.arguments import check_number

from .reductions import MeanMetricWrapper
from .registry import register


def accuracy(y_true, y_pred):
    """1 where y_pred equals y_true exactly, else 0; a value an element."""
    y_true, y_pred = align("accuracy", y_true, y_pred)
    return ops.affine(ops.sign(ops.abs(ops.subtract(y_true, y_pred))), scale=-1.0, shift=1.0)


def binary_accuracy(y_true, y_pred, threshold: float = 0.5):
    """The share of the last axis where (y_pred > threshold) equals y_true."""
    y_true, y_pred = align("binary_accuracy", y_true, y_pred)
    return ops.binary_accuracy(y_true, y_pred, threshold=threshold)


def categorical_accuracy(y_true, y_pred):
    """1 where the largest score lies at the largest target (the first one, when equal)."""
    return ops.categorical_accuracy(*align("categorical_accuracy", y_true, y_pred))


def sparse_categorical_accuracy(y_true, y_pred):
    """1 where the largest score (the first one, when equal) lies at the class number y_true."""
    y_true, y_pred = align_labels("sparse_categorical_accuracy", y_true, y_pred)
    return ops.sparse_categorical_accuracy(y_true, y_pred)


def top_k_categorical_accuracy(y_true, y_pred, k: int = 5):
    """1 where fewer than k scores are larger than that of the largest target."""
    return ops.top_k(*align("top_k_categorical_accuracy", y_true, y_pred), k=k)


def sparse_top_k_categorical_accuracy(y_true, y_pred, k: int = 5):
    """1 where fewer than k scores are larger than that of the class number y_true."""
    y_true, y_pred = align_labels("sparse_top_k_categorical_accuracy", y_true, y_pred)
    return ops.sparse_top_k(y_true, y_pred, k=k)


@register
class Accuracy(MeanMetricWrapper):
    """How often y_pred equals y_true exactly."""

    direction = "up"

    def __init__(self, name: str = "accuracy", dtype=None):
        super().__init__(accuracy, name, dtype)


@register
class BinaryAccuracy(MeanMetricWrapper):
    """How often (y_pred > threshold) equals y_true.

    Raises:
        ValueError: `threshold` is not in [0, 1].
    """

    direction = "up"

    def __init__(self, name: str = "binary_accuracy", dtype=None, threshold: float = 0.5):
        threshold = check_number("BinaryAccuracy", "threshold", threshold, low=0, high=1)
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


@register
class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest score lies at the one in a one-hot target."""

    direction = "up"

    def __init__(self, name: str = "categorical_accuracy", dtype=None):
        super().__init__(categorical_accuracy, name, dtype)


@register
class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest score lies at the class number."""

    target_dtype = "int32"
    direction = "up"

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype=None):
        super().__init__(sparse_categorical_accuracy, name, dtype)


@register
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the one in a one-hot target is among the k largest scores."""

    direction = "up"

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype=None):
        super().__init__(top_k_categorical_accuracy, name, dtype, k=check_k(type(self), k))


@register
class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class number is among the k largest scores."""

    target_dtype = "int32"
    direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype=None,
        from_sorted_ids: bool = False,
    ):
        if from_sorted_ids:
            raise ValueError(
                "SparseTopKCategoricalAccuracy(from_sorted_ids=True) is not supported by fastnn; "
                "give it scores."
            )
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=check_k(type(self), k))


def check_k(cls: type, k) -> int:
    """Raises ValueError when k is no positive whole number."""
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ValueError(f"{cls.__name__}: `k` must be a positive int. Received: k={k!r}")
    return k
