"""Targets and weights: do they fit the data, the model's output and the loss?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fastnn.runtime.device_array import DeviceArray

from .arrays import as_array, as_inputs, check_place


def as_arrays(trainer, x, y, sample_weight=None, class_weight=None):
    """(x, y, sample weights or None), checked against the trainer's model and loss.

    y comes back as (N,) + what the loss compares with: labels (N, ...) for sparse losses, else the
    shape of the model's output. (N,) and (N, 1) serve for one another. Weights are float32 (N,).

    Raises:
        TypeError, ValueError: as `as_inputs`; no loss; y of another length or shape; labels that
            are no class of the model; weights that do not fit.
    """
    model, loss = trainer.model, trainer.loss
    if loss is None:
        raise ValueError(
            f"There is no loss: model {model.name!r} was compiled without one. Call "
            "model.compile(optimizer=..., loss=...) first, or give Trainer(..., loss=...)."
        )
    x = as_inputs(x, model)
    y = as_array(y, "y")
    _same_length(x, y, "y")
    y = _fit_to_output(y, model.output_shape, loss)
    if sample_weight is not None and class_weight is not None:
        raise ValueError(
            "sample_weight and class_weight came together: give one of them, multiplied yourself."
        )
    if class_weight is not None:
        sample_weight = _from_classes(class_weight, y, model.output_shape[-1])
    elif sample_weight is not None:
        sample_weight = as_array(sample_weight, "sample_weight")
        _same_length(x, sample_weight, "sample_weight")
        if sample_weight.size != len(x):
            raise ValueError(
                f"`sample_weight` has shape {sample_weight.shape}; one number for each of the "
                f"{len(x)} samples is needed: ({len(x)},)."
            )
        sample_weight = sample_weight.reshape(len(x)).astype(np.float32, copy=False)
    check_place(trainer, x=x, y=y, sample_weight=sample_weight)
    return x, y, sample_weight


def split_validation(arrays, fraction: float):
    """Splits each array (None stays None): the first rows to train on, the last `fraction` of them
    to validate with, before any shuffling. Returns the two tuples; views, no copies.

    Raises:
        ValueError: one of the two parts would be empty.
    """
    rows = len(arrays[0])
    split = int(np.floor(rows * (1.0 - fraction)))
    if split in (0, rows):
        raise ValueError(
            f"validation_split={fraction} of {rows} rows leaves {split} to train on and "
            f"{rows - split} to validate with; both need at least one."
        )
    first = tuple(None if a is None else a[:split] for a in arrays)
    last = tuple(None if a is None else a[split:] for a in arrays)
    return first, last


def _same_length(x: np.ndarray, other: np.ndarray, name: str) -> None:
    if len(other) != len(x):
        raise ValueError(
            f"`x` has {len(x)} rows and `{name}` has {len(other)} (shapes {x.shape} and "
            f"{other.shape}); they must have the same number."
        )


def _fit_to_output(y: np.ndarray, output_shape, loss) -> np.ndarray:
    sparse = loss.target_dtype == "int32"
    expected = output_shape[1:-1] if sparse else output_shape[1:]
    if y.ndim == len(expected) + 2 and y.shape[-1] == 1:
        y = y.reshape(y.shape[:-1])
    elif y.ndim == len(expected) and expected[-1:] == (1,):
        y = y.reshape(*y.shape, 1)
    if y.shape[1:] != expected:
        raise ValueError(
            f"`y` has shape {y.shape}; {loss.name} on an output of shape {output_shape} needs "
            f"{(None, *expected)}.{_other_loss(y, output_shape, sparse)}"
        )
    if sparse and isinstance(y, DeviceArray):  # the kernels look at the labels
        if y.dtype.kind == "f":
            raise TypeError(f"`y` must be class numbers of an integer type; {y!r} came.")
        return y
    if sparse:
        _check_labels(y, output_shape[-1], getattr(loss, "settings", {}).get("ignore_class"))
        return y.astype(np.int32) if y.dtype.kind == "f" else y
    return y


def _other_loss(y: np.ndarray, output_shape, sparse: bool) -> str:
    """Which loss would have fitted, for those who took the wrong one of two."""
    if sparse and y.shape[1:] == output_shape[1:]:
        return " One-hot targets go with categorical_crossentropy; or give y.argmax(-1)."
    if not sparse and y.ndim == len(output_shape) - 1 and output_shape[-1] > 1:
        return (
            " Class numbers go with sparse_categorical_crossentropy; or give "
            f"to_categorical(y, {output_shape[-1]})."
        )
    return ""


def _check_labels(y: np.ndarray, classes: int, ignore: int | None) -> None:
    if y.dtype.kind == "f":
        wrong = y != np.floor(y)  # NaN differs from everything
        if wrong.any():
            raise ValueError(
                f"Labels must be whole numbers; y[{_where(wrong)}] is {y[wrong][0]}. A sparse loss "
                "takes class numbers."
            )
    if y.min() >= 0 and y.max() < classes:
        return
    wrong = (y < 0) | (y >= classes)
    if ignore is not None:
        wrong &= y != ignore
    if wrong.any():
        raise ValueError(
            f"Label {y[wrong][0]} at y[{_where(wrong)}] is out of range: the model has {classes} "
            f"outputs, so labels go from 0 to {classes - 1}. Number the classes from 0, or give "
            "the last layer more units."
        )


def _where(wrong: np.ndarray) -> str:
    return ", ".join(str(i) for i in np.argwhere(wrong)[0])


def _from_classes(class_weight, y: np.ndarray, outputs: int) -> np.ndarray:
    """One weight a row: that of its class, 1 for classes that are not named."""
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            "class_weight must be a dict {class number: weight}; a "
            f"{type(class_weight).__name__} came: {class_weight!r:.60}."
        )
    if isinstance(y, DeviceArray):
        raise TypeError("class_weight needs `y` on the host; give sample_weight, on the device.")
    if y.ndim > 1 and y.shape[-1] > 1:
        y = y.argmax(-1)
    if y.size != len(y) or (y != np.floor(y)).any() or y.min() < 0:
        raise ValueError(
            f"class_weight needs one class number from 0 on for each row; y has shape {y.shape}, "
            f"{y.dtype}, smallest value {y.min()}. Use sample_weight instead."
        )
    classes = max(outputs, 2)
    weights = np.ones(classes + 1, np.float32)  # the last one serves all labels above
    for key, weight in class_weight.items():
        whole = isinstance(key, int | np.integer) and not isinstance(key, bool)
        if not whole or not 0 <= key < classes:
            raise ValueError(
                f"class_weight has the key {key!r}; classes are numbered 0 to {classes - 1}."
            )
        try:
            weights[key] = weight
        except (TypeError, ValueError):
            raise TypeError(f"class_weight[{key}] must be a number, {weight!r} came.") from None
    return weights[np.minimum(y.reshape(len(y)), classes).astype(np.int64)]
