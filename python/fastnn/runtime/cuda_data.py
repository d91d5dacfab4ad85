"""A data set on a CUDA device: whole, where it fits and stays as it is, or piece by piece."""

from __future__ import annotations

import weakref

import numpy as np

from fastnn.graph.storage import align

from .device import cuda_module

FITS = 0.8  # of the memory that is free
PIECE = 16 << 20  # bytes that are copied while the piece before is worked on
SLOTS = 2


def resident_limit(device: int) -> int:
    """Data sets of more bytes come piece by piece."""
    return int(FITS * cuda_module().free_memory(device))


class Resident:
    """A copy of a host array in a device's memory, made once. It keeps the array alive."""

    _made: weakref.WeakValueDictionary[tuple, Resident] = weakref.WeakValueDictionary()

    def __init__(self, array: np.ndarray, device: int):
        self.array = array
        self.memory = cuda_module().Memory(device, array.nbytes)
        self.memory.upload(array)

    @staticmethod
    def of(array: np.ndarray, device: int) -> Resident:
        """The one that another program has made, or a new one."""
        key = (device, array.ctypes.data, array.nbytes)
        made = Resident._made.get(key)
        if made is None:
            made = Resident._made[key] = Resident(array, device)
        return made


class Pieces:
    """Rows of arrays, a number of steps at a time, in one of two places on the device.

    names: of the arrays; `order` among them becomes 0, 1, 2 ..., for rows come in their order.
    rows: of a piece. row_bytes: of each array.
    """

    def __init__(self, device: int, row_bytes: dict[str, int], rows: int):
        self.rows = rows
        self.places: dict[str, tuple[int, int]] = {}  # offset and bytes in a slot
        end = 0
        for name, nbytes in row_bytes.items():
            self.places[name] = (end, rows * nbytes)
            end = align(end + rows * nbytes, 256)
        self._feed = cuda_module().Feed(device, end)

    def spaces(self, slot: int) -> dict[str, tuple[int, int, bool]]:
        """(address, bytes, read-only) of each array's rows, as a program is bound to."""
        base = self._feed.address(slot)
        return {name: (base + at, nbytes, True) for name, (at, nbytes) in self.places.items()}

    def send(self, slot: int, arrays: dict[str, np.ndarray], order, first: int, count: int) -> None:
        """Rows [first, first + count) of the order (None: of the arrays) on their way."""
        bytes_ = np.frombuffer(self._feed.fill(slot), np.uint8)
        chosen = None if order is None else order[first : first + count]
        for name, (at, nbytes) in self.places.items():
            to = bytes_[at : at + nbytes]
            if name == "order":
                to.view(np.int64)[:] = np.arange(self.rows)
                continue
            array = arrays[name]
            to = to.view(array.dtype).reshape(self.rows, *array.shape[1:])[:count]
            if chosen is None:
                to[...] = array[first : first + count]
            else:
                np.take(array, chosen, axis=0, out=to, mode="clip")  # "raise" would copy twice
        self._feed.send(slot)

    def used(self, slot: int) -> None:
        """The steps that read what was sent have been enqueued."""
        self._feed.used(slot)
