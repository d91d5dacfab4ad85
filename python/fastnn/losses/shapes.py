"""Making targets, predictions and weights fit each other, or saying why they do not."""

from __future__ import annotations

import math

from fastnn import ops
from fastnn.graph.tensor import Tensor
from fastnn.utils.arguments import class_numbers, floats


def align(where: str, y_true, y_pred):
    """Targets and predictions of equal shape: an axis of size 1 at the end of one of them is added
    to the other when that makes a column of it, and else taken away ((N,) fits (N, 1)).

    Raises:
        ValueError: the shapes still differ.
    """
    y_true, y_pred = floats(y_true), floats(y_pred)
    if len(y_true.shape) == len(y_pred.shape) + 1 and y_true.shape[-1] == 1:
        y_true, y_pred = _same_rank(y_true, y_pred)
    elif len(y_pred.shape) == len(y_true.shape) + 1 and y_pred.shape[-1] == 1:
        y_pred, y_true = _same_rank(y_pred, y_true)
    if tuple(y_true.shape) != tuple(y_pred.shape):
        raise ValueError(
            f"{where}: targets of shape {tuple(y_true.shape)} do not fit predictions of shape "
            f"{tuple(y_pred.shape)}; the two must be equal."
        )
    return y_true, y_pred


def _same_rank(long, short):
    """Ranks made equal, where `long` has one axis more, of size 1, at its end."""
    if len(short.shape) == 1:
        return long, ops.reshape(short, shape=(*short.shape, 1))
    return ops.reshape(long, shape=tuple(long.shape[:-1])), short


def align_labels(where: str, y_true, y_pred):
    """Class numbers, int32, of the shape of the predictions without their last axis.

    Raises:
        ValueError: the shapes do not fit.
    """
    y_pred = floats(y_pred)
    if not isinstance(y_true, Tensor):
        y_true = class_numbers(y_true)
    rows = tuple(y_pred.shape[:-1])
    if tuple(y_true.shape) == (*rows, 1):
        y_true = ops.reshape(y_true, shape=rows)
    if len(y_pred.shape) < 2 or tuple(y_true.shape) != rows:
        raise ValueError(
            f"{where}: class numbers of shape {tuple(y_true.shape)} do not fit predictions of "
            f"shape {tuple(y_pred.shape)}; numbers of shape {rows} are due, one for each row of "
            "scores. For one-hot targets take categorical_crossentropy or categorical_accuracy."
        )
    return y_true, y_pred


def expand_weights(weights, shape):
    """Weights of the shape of the values: (N,) for values (N, T) holds for all T of a row.

    Raises:
        ValueError: the shapes do not fit.
    """
    shape = tuple(shape)
    if tuple(weights.shape) == shape:
        return weights
    given = tuple(weights.shape)
    while given != shape[: len(given)] and given[-1] == 1:
        given = given[:-1]
    if given != shape[: len(given)] or not given:
        raise ValueError(
            f"sample_weight of shape {tuple(weights.shape)} does not fit values of shape {shape}; "
            f"one weight a row, of shape {shape[:1]}, is due."
        )
    rows, inner = math.prod(given), math.prod(shape[len(given) :])
    flat = ops.reshape(weights, shape=(rows,))
    if inner > 1:
        flat = ops.broadcast_axis(flat, axis=1, size=inner)
    return ops.reshape(flat, shape=shape)
