"""The safetensors file format, read without trust.

    8 bytes        length of the header, little-endian
    header         JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
    data           the tensors' bytes, little-endian and row-major, without holes or overlaps

Format: https://huggingface.co/docs/safetensors. The optional entry `__metadata__` maps strings to
strings. Files written here begin it with `fastnn_sha256`: the SHA-256 of the whole file, the 64
digits of the checksum itself taken as zeros. So no damage, in the header or the data, goes unseen.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from typing import BinaryIO, NamedTuple

import numpy as np

from fastnn.saving.atomic import replacing

DTYPES = {
    "BOOL": np.dtype("?"),
    "U8": np.dtype("<u1"),
    "I8": np.dtype("<i1"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "F16": np.dtype("<f2"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "F32": np.dtype("<f4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
CHECKSUM = "fastnn_sha256"

# What a header may ask for. The format's own limit on the header is the first.
MAX_HEADER = 100_000_000
MAX_TENSORS = 1_000_000
MAX_RANK = 32
MAX_ELEMENTS = 1 << 48


class Entry(NamedTuple):
    """Where a tensor lies: bytes [begin, end) of the data."""

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    begin: int
    end: int


def write(
    path: str | os.PathLike,
    tensors: Mapping[str, np.ndarray],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write arrays to a safetensors file, which replaces an old one whole or not at all.

    The widest dtypes come first, so that every tensor is aligned to its elements.

    Raises:
        TypeError: a dtype that the format has no name for.
        ValueError: a tensor called `__metadata__`.
        OSError: the file cannot be written; an old one is as it was.
    """
    if "__metadata__" in tensors:
        raise ValueError("'__metadata__' is not free as a name in a safetensors file")
    arrays = {}
    for name, tensor in tensors.items():
        tensor = np.asarray(tensor)
        dtype = tensor.dtype.newbyteorder("<")
        if dtype not in NAMES:
            raise TypeError(
                f"'{name}' has the dtype {tensor.dtype}, which safetensors cannot hold."
                f" It holds {', '.join(str(d) for d in NAMES)}."
            )
        arrays[name] = np.asarray(tensor, dtype, order="C")
    arrays = dict(sorted(arrays.items(), key=lambda item: -item[1].itemsize))

    entries: dict[str, object] = {"__metadata__": {CHECKSUM: "0" * 64, **(metadata or {})}}
    offset = 0
    for name, array in arrays.items():
        entries[name] = {
            "dtype": NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    start = len(header).to_bytes(8, "little") + header

    digest = hashlib.sha256(start)
    for array in arrays.values():
        digest.update(_bytes_of(array))
    start = start.replace(b"0" * 64, digest.hexdigest().encode(), 1)
    with replacing(path) as append:
        append(start)
        for array in arrays.values():
            append(_bytes_of(array))


def read(path: str | os.PathLike) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read a safetensors file: its arrays by name, and its metadata.

    Nothing is allocated before the header has been checked against the size of the file.

    Raises:
        ValueError: the file is damaged or is no safetensors file; the message says where.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        try:
            return _read(file)
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)} is no good safetensors file: {error}") from error


def _read(file: BinaryIO) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    size = os.fstat(file.fileno()).st_size
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8:
        raise ValueError(f"it has {size} bytes, and the length of the header alone takes 8")
    if length > MAX_HEADER:
        raise ValueError(f"its header claims {length:,} bytes; at most {MAX_HEADER:,} are allowed")
    if length > size - 8:
        raise ValueError(f"its header claims {length:,} bytes, and {size - 8:,} follow")
    header = file.read(length)
    entries, metadata = parse_header(header, size - 8 - length)

    expected = metadata.pop(CHECKSUM, None)
    digest = hashlib.sha256(start)
    digest.update(header.replace(str(expected).encode(), b"0" * 64, 1))
    arrays = {}
    for entry in entries:  # in the order of their bytes
        array = np.empty(entry.shape, entry.dtype)
        if file.readinto(_bytes_of(array)) != array.nbytes:
            raise ValueError(f"it ended within {entry.name!r:.80} while it was read")
        digest.update(_bytes_of(array))
        arrays[entry.name] = array
    if expected is not None and digest.hexdigest() != expected:
        raise ValueError(
            f"its SHA-256 is {digest.hexdigest()}, expected {expected!r:.70}:"
            " it was damaged or edited"
        )
    return arrays, metadata


def parse_header(header: bytes, data_size: int) -> tuple[list[Entry], dict[str, str]]:
    """The tensors, sorted by their place in `data_size` bytes of data, and the metadata.

    Raises:
        ValueError: the header breaks a rule of the format.
    """
    if not header.startswith(b"{"):
        raise ValueError("its header does not begin with '{'")
    try:
        table = json.loads(
            header.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_refuse
        )
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its header is no good JSON: {error}") from error
    metadata = table.pop("__metadata__", {})
    if type(metadata) is not dict or any(type(v) is not str for v in metadata.values()):
        raise ValueError("its __metadata__ does not map strings to strings")
    if len(table) > MAX_TENSORS:
        raise ValueError(f"it has {len(table):,} tensors; at most {MAX_TENSORS:,} are allowed")
    entries = sorted((_entry(*item) for item in table.items()), key=lambda e: (e.begin, e.end))
    place = 0
    for entry in entries:
        if entry.begin != place:
            raise ValueError(
                f"{entry.name!r:.80} begins at byte {entry.begin} of the data, and what is before"
                f" it ends at {place}: there must be no holes and no overlaps"
            )
        place = entry.end
    if place != data_size:
        raise ValueError(
            f"its tensors take {place:,} bytes, and {data_size:,} bytes of data follow"
        )
    return entries, metadata


def _entry(name: str, fields: object) -> Entry:
    shown = f"{name!r:.80}"  # a name may be as long as the header
    if type(fields) is not dict or set(fields) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{shown} must have exactly dtype, shape and data_offsets")
    kind, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    if type(kind) is not str or kind not in DTYPES:
        came = kind if type(kind) is str else type(kind).__name__
        raise ValueError(f"{shown} has the dtype {came:.20}; known are {', '.join(DTYPES)}")
    if not _sizes(shape) or len(shape) > MAX_RANK:
        raise ValueError(f"{shown} has no good shape: at most {MAX_RANK} sizes from 0 on")
    if not _sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{shown} has no good data_offsets: two numbers from 0 on")
    # NumPy refuses a huge shape even when another of its sizes is 0.
    if math.prod(size or 1 for size in shape) > MAX_ELEMENTS:
        raise ValueError(f"{shown} has more than {MAX_ELEMENTS:,} elements")
    dtype, (begin, end) = DTYPES[kind], offsets
    size = math.prod(shape) * dtype.itemsize
    if end - begin != size:
        raise ValueError(
            f"{shown} is {kind} {shape}, which takes {size:,} bytes,"
            f" and its data_offsets {offsets} span {end - begin:,}"
        )
    return Entry(name, dtype, tuple(shape), begin, end)


def _sizes(value: object) -> bool:
    return type(value) is list and all(type(v) is int and 0 <= v < 1 << 63 for v in value)


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a name stands there twice")
    return table


def _refuse(constant: str):
    raise ValueError(f"{constant} stands there")


def _bytes_of(array: np.ndarray) -> memoryview:
    return memoryview(array.reshape(-1).view(np.uint8))
