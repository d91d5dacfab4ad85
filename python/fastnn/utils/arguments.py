"""Checks of arguments that many classes share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn.graph.tensor import Tensor


def refuse_unknown(where: str, arguments: dict[str, Any]) -> None:
    """Raises TypeError naming the first keyword that nobody took."""
    for name in arguments:
        raise TypeError(f"{where}: unknown keyword argument {name!r}.")


def refuse_unsupported(where: str, **arguments) -> None:
    """Raises ValueError naming the first argument that is set: Keras has it, fastnn has not."""
    for name, value in arguments.items():
        if value is not None and value is not False:
            raise ValueError(f"{where}({name}={value!r}) is not supported by fastnn; leave it out.")


def check_dtype(where: str, dtype) -> None:
    """Values are computed in float32; asking for another type is an error, not a surprise."""
    if dtype is not None and np.dtype(dtype) != np.float32:
        raise ValueError(f"{where}(dtype={dtype!r}): only 'float32' is supported by fastnn.")


def check_number(where: str, name: str, value, low=-math.inf, high=math.inf) -> float:
    """`value` as a float. Raises ValueError when it is no number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ValueError(f"{where}: `{name}` must be a number. Received: {name}={value!r}")
    if not low <= value <= high:
        raise ValueError(
            f"{where}: `{name}` must be in [{low:g}, {high:g}]. Received: {name}={value!r}"
        )
    return float(value)


def class_numbers(y) -> np.ndarray:
    """y as int32; the fraction of a float is dropped, as in Keras.

    Raises:
        ValueError: a value that int32 cannot hold (NaN too).
    """
    y = np.asarray(y)
    whole = np.trunc(y) if y.dtype.kind == "f" else y
    with np.errstate(invalid="ignore"):
        numbers = whole.astype(np.int32)
    wrong = whole[numbers != whole]
    if wrong.size:
        raise ValueError(f"Class numbers must be whole numbers below 2**31. Received: {wrong[0]}")
    return numbers


def floats(x):
    """Symbolic tensors as they are; anything else as an array of floats."""
    if isinstance(x, Tensor):
        return x
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float32)
