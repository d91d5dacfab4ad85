"""Replace a file whole or not at all, whatever happens in between.

The order is what makes it safe: write a temporary file beside the target, fsync it, rename it over
the target, fsync the folder. At every moment the name stands for the old file or for the new one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Callable[[memoryview | bytes], None]]:
    """Yield a function that appends bytes; when the block ends well, they become the file `path`.

    When the block raises, or the disk does, the old file stays as it was and the temporary one is
    removed. A process that is killed leaves the temporary file `.<name>.<random>.tmp` behind.

    Raises:
        OSError: the folder does not exist, may not be written to, or is full.
    """
    target = os.path.realpath(
        os.fsdecode(path)
    )  # a symbolic link keeps pointing at the new contents
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.{os.urandom(6).hex()}.tmp")
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        try:
            if os.path.exists(target):
                os.fchmod(file, os.stat(target).st_mode & 0o777)
            yield lambda data: _write_all(file, data)
            os.fsync(file)
        finally:
            os.close(file)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _write_all(file: int, data: memoryview | bytes) -> None:
    """os.write may take less than it was given: a full disk, a signal, more than 2 GiB at once."""
    left = memoryview(data)
    while len(left):
        left = left[os.write(file, left) :]


def _sync_folder(folder: str) -> None:
    """Without this the rename itself may be lost with the power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
