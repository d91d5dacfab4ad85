"""An array in device memory: what other libraries hand over, and what ops give back.

DLPack (https://dmlc.github.io/dlpack/latest/python_spec.html) and version 3 of
`__cuda_array_interface__` (https://numba.readthedocs.io/en/stable/cuda/cuda_array_interface.html)
are how it travels; nothing is copied on the way.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .device import cuda_module

LEGACY, PER_THREAD = 1, 2  # CUDA's default streams, by the numbers they have in both protocols
CPU, CUDA = 1, 2  # DLPack's device types


class Stream(NamedTuple):
    """A CUDA stream: its handle, and the object that keeps it alive."""

    handle: int = LEGACY
    owner: Any = None


class _Last:
    """What was done to an array's memory so far was done on `stream`, or comes before what that
    has been given. All arrays that lie in the memory share it."""

    __slots__ = ("stream",)

    def __init__(self, stream: Stream):
        self.stream = stream


class DeviceArray:
    """C-contiguous, on a CUDA device.

    CuPy, PyTorch, JAX and Numba take it without a copy (`cupy.from_dlpack(y)`,
    `torch.from_dlpack(y)`); `y.numpy()` is a copy on the host.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype,
        device: int,
        address: int,
        stream: Stream,
        owner: Any,
        read_only: bool = False,
    ):
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.index = device
        self.address = address
        self.read_only = read_only
        self._last = _Last(stream)
        self._owner = owner  # of the memory

    @classmethod
    def empty(cls, shape, dtype, device: int, stream: Stream) -> DeviceArray:
        """Memory of its own, of whatever content."""
        dtype = np.dtype(dtype)
        memory = cuda_module().SharedMemory(device, math.prod(shape) * dtype.itemsize)
        return cls(tuple(shape), dtype, device, memory.address, stream, memory)

    @property
    def stream(self) -> Stream:
        """Who reads the array waits for this one."""
        return self._last.stream

    def written_on(self, stream: Stream) -> None:
        """Its memory is written there, behind all that was done to it before."""
        self._last.stream = stream

    @property
    def device(self) -> str:
        return f"cuda:{self.index}"

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __bool__(self) -> bool:
        raise TypeError(f"{self!r} is neither true nor false: `.numpy()` copies it to the host.")

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("this array has no axis, and so no length")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<DeviceArray {self.dtype}{list(self.shape)} on {self.device}>"

    def __getitem__(self, rows: slice) -> DeviceArray:
        """Consecutive rows, where they lie."""
        if not isinstance(rows, slice) or not self.shape:
            raise TypeError(f"of {self!r} only rows first:last can be taken, not [{rows!r}]")
        first, last, step = rows.indices(len(self))
        if step != 1:
            raise TypeError(f"of {self!r} only consecutive rows can be taken, not every {step}th")
        count = max(last - first, 0)
        row = self.nbytes // len(self) if len(self) else 0
        return self._part((count, *self.shape[1:]), self.address + first * row)

    def astype(self, dtype, copy: bool = True) -> DeviceArray:
        """Itself: there is no conversion on the device."""
        if self.dtype != dtype:
            raise TypeError(f"{self!r} came where {dtype} is due: convert it first.")
        return self

    def reshape(self, *shape) -> DeviceArray:
        """The same memory under another shape, of as many elements."""
        shape = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
        if math.prod(shape) != self.size:
            raise ValueError(f"{list(self.shape)} holds {self.size} elements, not {list(shape)}")
        return self._part(shape, self.address)

    def _part(self, shape: tuple[int, ...], address: int) -> DeviceArray:
        made = DeviceArray(
            shape, self.dtype, self.index, address, self.stream, self, self.read_only
        )
        made._last = self._last
        return made

    def numpy(self) -> np.ndarray:
        """A copy on the host, once all is done that makes it."""
        out = np.empty(self.shape, self.dtype)
        if self.size:
            cuda_module().download(self.index, self.stream.handle, self.address, out)
        return out

    def __array__(self, *_, **__):
        raise TypeError(f"{self!r} is not on the host: `.numpy()` copies it there.")

    # ---- to other libraries

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.address, self.read_only),
            "strides": None,
            "version": 3,
            "stream": self.stream.handle,
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        return CUDA, self.index

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        """A capsule; `stream` (None: the legacy default one; -1: nobody need wait) waits until the
        array is made.

        Raises:
            BufferError: another device, a copy, or a read-only array for a reader that knows only
                DLPack before 1.0, which cannot say so.
        """
        if dl_device is not None and tuple(dl_device) != self.__dlpack_device__():
            raise BufferError(
                f"{self!r} cannot be handed over on another device {tuple(dl_device)}: copy it "
                "to the host with `.numpy()`."
            )
        if copy:
            raise BufferError(f"{self!r} is handed over without a copy; copy=True came.")
        versioned = max_version is not None and max_version[0] >= 1
        if self.read_only and not versioned:
            raise BufferError(f"{self!r} is read-only, which takes DLPack 1.0 (max_version) to say")
        if stream == 0:
            raise ValueError("stream=0 is ambiguous in DLPack: 1 or 2 for a default stream.")
        if stream != -1:
            reader = LEGACY if stream is None else stream
            cuda_module().order(self.index, self.stream.handle, reader)
        return cuda_module().to_dlpack(
            self, self.address, list(self.shape), self.dtype.kind, self.dtype.itemsize,
            self.index, self.read_only, versioned,
        )  # fmt: skip
