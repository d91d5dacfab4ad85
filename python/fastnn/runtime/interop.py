"""Other libraries' arrays on a device, as fastnn takes them: CuPy, PyTorch, and whatever speaks
DLPack or `__cuda_array_interface__`. Nothing is copied.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from .device import check_device, cuda_module
from .device_array import CUDA, LEGACY, DeviceArray, Stream

MANAGED = 13  # DLPack's device type for memory that moves between host and device by itself

_stream: ContextVar[Stream | None] = ContextVar("fastnn_cuda_stream", default=None)


def is_on_device(x: Any) -> bool:
    """Does the array lie in a CUDA device's memory?"""
    if isinstance(x, np.ndarray | np.generic | float | int | list | tuple):
        return False
    if hasattr(x, "__dlpack_device__"):
        return x.__dlpack_device__()[0] in (CUDA, MANAGED)
    return hasattr(x, "__cuda_array_interface__")


# ---- streams


@contextlib.contextmanager
def cuda_stream(stream) -> Iterator[None]:
    """Ops on arrays of a device run on `stream` within a `with` block.

        with fastnn.cuda_stream(cupy_or_torch_stream):
            y = fastnn.ops.relu(x)

    Outside of one they run on the current stream of the library that an array is of (CuPy,
    PyTorch), else on the one that `__cuda_array_interface__` names, else on the default stream.

    Args:
        stream: CuPy's or PyTorch's Stream, whatever has `__cuda_stream__`, or a handle (an int; 0
            and 1 are the default stream, 2 is the thread's own).
    """
    token = _stream.set(as_stream(stream))
    try:
        yield
    finally:
        _stream.reset(token)


def as_stream(stream) -> Stream:
    """Raises TypeError for what is no stream."""
    handle = stream
    if hasattr(stream, "__cuda_stream__"):
        given = stream.__cuda_stream__
        handle = (given() if callable(given) else given)[1]
    elif hasattr(stream, "ptr"):  # CuPy
        handle = stream.ptr
    elif hasattr(stream, "cuda_stream"):  # PyTorch
        handle = stream.cuda_stream
    if isinstance(handle, bool) or not isinstance(handle, int) or handle < 0:
        raise TypeError(
            f"A CUDA stream is due: CuPy's or PyTorch's, an object with `__cuda_stream__`, or a "
            f"handle (an int). {type(stream).__name__} came."
        )
    return Stream(handle or LEGACY, stream)


def _library(x: Any) -> str:
    return type(x).__module__.partition(".")[0]


def _current_stream(arrays: list[Any], device: int) -> Stream:
    """The one that the caller means: see `cuda_stream`."""
    chosen = _stream.get()
    if chosen is not None:
        return chosen
    libraries = {_library(x) for x in arrays}
    if "cupy" in libraries:
        return as_stream(sys.modules["cupy"].cuda.get_current_stream())
    if "torch" in libraries:
        return as_stream(sys.modules["torch"].cuda.current_stream(device))
    for x in arrays:
        if isinstance(x, DeviceArray):
            return x.stream
        if not hasattr(x, "__dlpack__"):
            handle = x.__cuda_array_interface__.get("stream")
            if handle:
                return Stream(handle, x)
    return Stream()


# ---- arrays in


def _device_index(x: Any) -> int | None:
    """The device's number; None for an array of no bytes that lies nowhere."""
    if hasattr(x, "__dlpack_device__"):
        return x.__dlpack_device__()[1]
    address = x.__cuda_array_interface__["data"][0]
    if not address:
        return None
    index = cuda_module().device_of(address)
    if index < 0:
        raise ValueError(
            f"its __cuda_array_interface__ has the address {address:#x}, which is in no device's "
            "memory."
        )
    return index


def _by_dlpack(x: Any, device: int, stream: Stream) -> DeviceArray:
    try:
        capsule = x.__dlpack__(stream=stream.handle, max_version=(1, 0))
    except TypeError:  # from before DLPack 1.0
        capsule = x.__dlpack__(stream=stream.handle)
    tensor = cuda_module().from_dlpack(capsule)
    kind, index = tensor.device
    if kind not in (CUDA, MANAGED) or index != device:
        raise ValueError(
            f"its capsule is of device {tensor.device}, but it said ({CUDA}, {device})."
        )
    try:
        dtype = np.dtype(tensor.dtype)
    except TypeError:
        raise TypeError(f"it is of {tensor.dtype}, which ops do not take.") from None
    _check_contiguous(tensor.shape, tensor.strides)
    return DeviceArray(
        tensor.shape, dtype, device, tensor.address, stream, tensor, tensor.read_only
    )


def _by_interface(x: Any, device: int, stream: Stream) -> DeviceArray:
    given = x.__cuda_array_interface__
    dtype = np.dtype(given["typestr"])
    shape = tuple(given["shape"])
    strides = given.get("strides")
    if given.get("mask") is not None:
        raise TypeError("it has a mask (`__cuda_array_interface__`), which ops do not take.")
    if strides is not None:
        if any(s % dtype.itemsize for s in strides):
            raise ValueError(f"its strides {tuple(strides)} are not whole elements of {dtype}.")
        _check_contiguous(shape, tuple(s // dtype.itemsize for s in strides))
    theirs = given.get("stream")
    if theirs == 0:
        raise ValueError("its __cuda_array_interface__ has stream 0, which the protocol forbids.")
    if theirs is not None:
        cuda_module().order(device, theirs, stream.handle)
    address, read_only = given["data"]
    return DeviceArray(shape, dtype, device, address or 0, stream, x, bool(read_only))


def _check_contiguous(shape: tuple[int, ...], strides: tuple[int, ...] | None) -> None:
    if strides is None or math.prod(shape) == 0:
        return
    due = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and stride != due:
            raise ValueError(
                f"it is not C-contiguous (shape {list(shape)}, strides {list(strides)} elements): "
                "copy it first (cupy.ascontiguousarray(x), x.contiguous())."
            )
        due *= size


def take(arrays: Iterable[tuple[str, Any]]) -> tuple[dict[str, DeviceArray], Stream]:
    """Named arrays of one device, and the stream to use them on, which waits for their makers.

    Raises:
        TypeError: one is on the host, or has elements of an unknown type.
        ValueError: they are on different devices; one is not contiguous.
        RuntimeError: CUDA cannot be used here.
        BufferError: what a producer's `__dlpack__` raises.
    """
    given = dict(arrays)
    there = [x for x in given.values() if is_on_device(x)]
    check_device("cuda")
    devices = {}
    for name, x in given.items():
        if not is_on_device(x):
            kind = type(x)
            raise TypeError(
                f"`{name}` is on the host ({kind.__module__}.{kind.__qualname__}), other arrays "
                "are on a device. Bring it there first, for instance with cupy.asarray(x)."
            )
        with _Named(name):
            devices[name] = _device_index(x)
    known = sorted({i for i in devices.values() if i is not None})
    if len(known) > 1:
        where = ", ".join(f"`{n}` is on cuda:{i}" for n, i in devices.items() if i is not None)
        raise ValueError(f"all arrays must be on one device; {where}.")
    device = known[0] if known else 0
    stream = _current_stream(there, device)
    taken = {}
    for name, x in given.items():
        with _Named(name):
            if isinstance(x, DeviceArray):
                cuda_module().order(device, x.stream.handle, stream.handle)
                taken[name] = x
            elif hasattr(x, "__dlpack__") and _library(x) != "cupy":
                taken[name] = _by_dlpack(x, device, stream)
            else:  # CuPy's current stream is the one it has worked on
                taken[name] = _by_interface(x, device, stream)
    return taken, stream


class _Named:
    """A `with` block whose errors say which array it is that they speak of.

    No generator: from Python 3.12 on the frame of one that raises keeps alive what it was given to
    raise, and so, until the next garbage collection, the refused tensor, which is its producer's.
    """

    def __init__(self, name: str):
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind, error, traceback) -> None:
        if isinstance(error, TypeError | ValueError):
            raise type(error)(f"`{self.name}`: {error}") from None


# ---- arrays out


def empty_like(arrays: list[Any], shape, dtype, device: int, stream: Stream):
    """(what the caller gets, the same as a DeviceArray): an array of CuPy or PyTorch, from their
    own pools of memory, where the inputs are theirs; else a DeviceArray."""
    libraries = {_library(x) for x in arrays}
    if "cupy" in libraries:
        cupy = sys.modules["cupy"]
        with cupy.cuda.Device(device):
            made = cupy.empty(shape, dtype)
        return made, _by_interface(made, device, stream)
    if "torch" in libraries:
        torch = sys.modules["torch"]
        made = torch.empty(
            shape, dtype=getattr(torch, np.dtype(dtype).name), device=f"cuda:{device}"
        )
        return made, _by_dlpack(made, device, stream)
    made = DeviceArray.empty(shape, dtype, device, stream)
    return made, made
