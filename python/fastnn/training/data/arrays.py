"""Anything NumPy understands -> an array that the kernels can read, copied only if it must be."""

from __future__ import annotations

import numpy as np

from fastnn.runtime.device_array import DeviceArray
from fastnn.runtime.interop import is_on_device, take

# The kernels gather minibatches from these, converting as they go, so that a data set of bytes
# stays a data set of bytes. Every other number type is converted once to one that holds its values.
NATIVE = frozenset(map(np.dtype, ("uint8", "int32", "int64", "float32", "float64")))
WIDEN = {
    "bool": "uint8",
    "int8": "int32",
    "int16": "int32",
    "uint16": "int32",
    "uint32": "int64",
    "uint64": "float64",
    "float16": "float32",
}


def as_array(value, name: str) -> np.ndarray:
    """`value` as an aligned, C-contiguous array of uint8, int32, int64, float32 or float64.

    Lists, scalars' arrays and everything with `__array__` are taken. Arrays that fit already (a
    `np.memmap` among them) come back as they are: not copied, not read. What lies on a CUDA device
    stays there: a `DeviceArray`.

    Raises:
        TypeError: text, objects, complex numbers, dates: what is not a number; on a device also
            what would have to be converted.
        ValueError: nothing at all, a single number, rows of different lengths; on a device also
            an array that is not C-contiguous.
    """
    if (
        type(value) is np.ndarray
        and value.dtype in NATIVE
        and value.flags.c_contiguous
        and value.flags.aligned
        and value.ndim
    ):
        return value
    if value is None:
        raise ValueError(f"`{name}` is missing (None came).")
    if is_on_device(value):
        return _on_device(value, name)
    if isinstance(value, dict | set | str | bytes):
        raise TypeError(
            f"`{name}` must be an array; a {type(value).__name__} came: {value!r:.60}. Models here "
            "have one input and one output."
        )
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"`{name}` ({type(value).__name__}) cannot be made into one array: {error} Rows must "
            "all have the same shape."
        ) from None
    if array.ndim == 0 and array.dtype.kind in "biuf":
        raise ValueError(
            f"`{name}` must have rows; a single value came: {value!r:.60}. Give an array whose "
            "first axis runs over the samples."
        )
    dtype = _readable(array.dtype)
    if dtype is None:
        raise TypeError(
            f"`{name}` has dtype {array.dtype} (from {type(value).__name__}); numbers are needed: "
            "bool, integers or floats. Convert it first, for instance with .astype('float32')."
        )
    return np.require(array, dtype, ("C", "A"))


def _on_device(value, name: str) -> DeviceArray:
    taken, _ = take([(name, value)])
    array = taken[name]
    if array.ndim == 0:
        raise ValueError(f"`{name}` must have rows; a single value on {array.device} came.")
    if array.dtype not in NATIVE:
        raise TypeError(
            f"`{name}` has dtype {array.dtype}, on {array.device}; there it must be one of "
            f"{', '.join(sorted(map(str, NATIVE)))}. Convert it first."
        )
    return array


def check_place(trainer, **arrays) -> None:
    """Is what lies on a device on the trainer's? Raises ValueError if not."""
    from fastnn.runtime.device import parse

    for name, array in arrays.items():
        if isinstance(array, DeviceArray):
            device = parse(trainer.device)
            if (device.kind, device.index) != ("cuda", array.index):
                raise ValueError(
                    f"`{name}` is on {array.device}, and the model runs on {trainer.device!r}: "
                    f"give the trainer device={array.device!r}, or copy the array."
                )


def _readable(dtype: np.dtype) -> np.dtype | None:
    """The type in which the kernels read values of `dtype`; None when they are no real numbers."""
    if dtype.kind == "f" and dtype.itemsize > 8:
        return np.dtype(np.float64)
    native = dtype.newbyteorder("=")
    if native in NATIVE:
        return np.dtype(native.name)  # NumPy's one object of this type: native code compares those
    return np.dtype(WIDEN[native.name]) if native.name in WIDEN else None


def as_inputs(x, model) -> np.ndarray:
    """`x` as an array of rows for `model`, which is built for its shape when it is not built yet.

    Like Keras, (N,) serves a model that wants (N, 1), and (N, ..., 1) one that wants (N, ...).

    Raises:
        TypeError, ValueError: as `as_array`; a shape that the model does not take; no rows.
    """
    x = as_array(x, "x")
    if not model.built:
        model.build((None, *x.shape[1:]))
    expected = model.input_shape
    if x.ndim == len(expected) - 1 and expected[-1] == 1:
        x = x.reshape(*x.shape, 1)
    elif x.ndim == len(expected) + 1 and x.shape[-1] == 1:
        x = x.reshape(x.shape[:-1])
    if x.ndim != len(expected) or any(
        want not in (None, got) for want, got in zip(expected[1:], x.shape[1:], strict=True)
    ):
        raise ValueError(
            f"`x` has shape {x.shape}; model {model.name!r} takes {_shown(expected)}. The first "
            "axis runs over the samples; reshape x, or change the model's Input."
        )
    if len(x) == 0:
        raise ValueError(f"`x` is empty: its shape is {x.shape}. At least one row is needed.")
    return x


def _shown(shape) -> str:
    return f"({', '.join(str(d) for d in shape)}{',' * (len(shape) == 1)})"
