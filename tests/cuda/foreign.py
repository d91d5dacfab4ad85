"""Other libraries' arrays, in the device's memory: producers and consumers of DLPack capsules and
`__cuda_array_interface__`, made with ctypes from the protocols' own description."""

from __future__ import annotations

import ctypes
from ctypes import (  # fmt: skip
    POINTER,
    Structure,
    c_char_p,
    c_int32,
    c_int64,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
    py_object,
)

import numpy as np

from fastnn.runtime.device import cuda_module

CODES = {"i": 0, "u": 1, "f": 2, "V": 4, "c": 5, "b": 6}  # V: bfloat16, to NumPy's mind


class Tensor(Structure):
    _fields_ = [
        ("data", c_void_p), ("device_type", c_int32), ("device_id", c_int32), ("ndim", c_int32),
        ("code", c_uint8), ("bits", c_uint8), ("lanes", c_uint16), ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)), ("byte_offset", c_uint64),
    ]  # fmt: skip


DELETER = ctypes.CFUNCTYPE(None, c_void_p)


class Managed(Structure):
    _fields_ = [("tensor", Tensor), ("context", c_void_p), ("deleter", DELETER)]


class ManagedVersioned(Structure):
    _fields_ = [
        ("major", c_uint32), ("minor", c_uint32), ("context", c_void_p), ("deleter", DELETER),
        ("flags", c_uint64), ("tensor", Tensor),
    ]  # fmt: skip


def _function(name: str, result, *arguments):
    function = getattr(ctypes.pythonapi, name)
    function.restype, function.argtypes = result, arguments
    return function


new_capsule = _function("PyCapsule_New", py_object, c_void_p, c_void_p, c_void_p)
capsule_pointer = _function("PyCapsule_GetPointer", c_void_p, py_object, c_char_p)
capsule_name = _function("PyCapsule_GetName", c_char_p, py_object)
rename_capsule = _function("PyCapsule_SetName", ctypes.c_int, py_object, c_char_p)

# What capsules point to: a deleter may be called as late as when cycles are collected.
ALIVE: list[tuple] = []
USED = {b"dltensor": b"used_dltensor", b"dltensor_versioned": b"used_dltensor_versioned"}


class Producer:
    """A host array's values in device memory, as another library would have them.

    On `stream` (a stream of the emulator) the values come late: when somebody waits for the copy.
    Without one they are there, on a GPU as well.
    """

    def __init__(self, values, *, device=0, stream=None, strides=None, byte_offset=0,
                 read_only=False, claims=None):  # fmt: skip
        self.values = np.array(values, order="C")
        self.shape = self.values.shape
        self.strides = strides  # in elements
        self.byte_offset = byte_offset
        self.read_only = read_only
        self.claims = claims or {}  # what it says of itself, whether true or not
        self.memory = cuda_module().Memory(device, byte_offset + self.values.nbytes)
        self.stream = stream
        self.device = device
        self.deleted = 0  # how many times the consumer called the deleter
        self.capsules: set[int] = set()
        self.asked: list = []  # the streams that __dlpack__ was asked for
        if stream is None:
            self.memory.upload(self.values, byte_offset)
            cuda_module().synchronize(device)
        else:
            stream.copy(self.memory.address + byte_offset, self.values)

    def fetch(self) -> np.ndarray:
        """The values that lie there once its stream has done what it was given."""
        got = np.empty_like(self.values)
        stream = self.stream.handle if self.stream else 1
        if got.nbytes:
            address = self.memory.address + self.byte_offset
            cuda_module().download(self.device, stream, address, got)
        return got


class Interface(Producer):
    """Has `__cuda_array_interface__`."""

    @property
    def __cuda_array_interface__(self):
        strides = self.strides and tuple(s * self.values.itemsize for s in self.strides)
        return {
            "shape": self.shape,
            "typestr": self.values.dtype.str,
            "data": (self.memory.address + self.byte_offset, self.read_only),
            "strides": strides,
            "version": 3,
            "stream": self.stream and self.stream.handle,
            **self.claims,
        }


class OldDLPack(Producer):
    """DLPack from before versions."""

    versioned = False

    def __dlpack_device__(self):
        return self.claims.get("device_type", 2), self.device

    def __dlpack__(self, stream=None):
        self.asked.append(stream)
        return self.capsule(stream)

    def capsule(self, stream):
        if self.stream is not None and stream != -1:
            cuda_module().order(self.device, self.stream.handle, stream or 1)
        dtype = self.values.dtype
        shape = (c_int64 * len(self.shape))(*self.shape)
        strides = (c_int64 * len(self.shape))(*self.strides) if self.strides else None
        tensor = Tensor(
            data=self.memory.address,
            device_type=self.claims.get("capsule_device_type", 2),
            device_id=self.claims.get("capsule_device", self.device),
            ndim=len(self.shape),
            code=self.claims.get("code", CODES[dtype.kind]),
            bits=8 * dtype.itemsize,
            lanes=self.claims.get("lanes", 1),
            shape=shape,
            strides=strides,
            byte_offset=self.byte_offset,
        )
        deleter = DELETER(self._delete)
        if self.versioned:
            managed = ManagedVersioned(
                self.claims.get("major", 1), 0, None, deleter, int(self.read_only), tensor
            )
        else:
            managed = Managed(tensor, None, deleter)
        name = ctypes.create_string_buffer(b"dltensor_versioned" if self.versioned else b"dltensor")
        self.capsules.add(ctypes.addressof(managed))
        ALIVE.append((managed, deleter, shape, strides, name))
        return new_capsule(ctypes.addressof(managed), ctypes.addressof(name), None)

    def _delete(self, pointer) -> None:
        assert pointer in self.capsules
        self.deleted += 1


class DLPack(OldDLPack):
    """DLPack 1.0."""

    versioned = True

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        self.asked.append(stream)
        assert max_version == (1, 0) and dl_device is None and copy is None
        return self.capsule(stream)


class Consumed:
    """What a consumer reads in a capsule; it calls the deleter when it is told to."""

    def __init__(self, capsule):
        name = capsule_name(capsule)
        kind = ManagedVersioned if name == b"dltensor_versioned" else Managed
        self.versioned = kind is ManagedVersioned
        pointer = capsule_pointer(capsule, name)
        rename_capsule(capsule, USED[name])
        self.managed = kind.from_address(pointer)
        self.tensor = self.managed.tensor
        self.pointer = pointer

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape[: self.tensor.ndim])

    @property
    def strides(self) -> tuple[int, ...]:
        return tuple(self.tensor.strides[: self.tensor.ndim])

    def delete(self) -> None:
        self.managed.deleter(self.pointer)
