"""The hinge loss of maximum-margin classification."""

from __future__ import annotations

import math

from fastnn import ops

from .loss import LossFunctionWrapper
from .registry import add
from .shapes import align


def hinge(y_true, y_pred):
    """mean(max(1 - y_true * y_pred, 0)) along the last axis.

    Targets are -1 and 1; where all targets of a minibatch are 0 or 1, they become -1 and 1.
    """
    y_true, y_pred = align("hinge", y_true, y_pred)
    return ops.hinge(signs(y_true), y_pred)


def signs(y_true):
    """2 y - 1 where every y is 0 or 1, else y."""
    # y^2 - y is 0 for 0 and 1 only
    distance = ops.abs(ops.subtract(ops.square(y_true), y_true))
    largest = ops.reduce_max(ops.reshape(distance, shape=(math.prod(y_true.shape),)), axis=0)
    binary = ops.affine(ops.sign(largest), scale=-1.0, shift=1.0)
    return ops.add(y_true, ops.multiply(ops.affine(y_true, shift=-1.0), binary))


class Hinge(LossFunctionWrapper):
    """mean(max(1 - y_true * y_pred, 0)); see the function `hinge`."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "hinge", dtype=None
    ):
        super().__init__(hinge, reduction, name, dtype)


add(hinge, Hinge)
