"""Where data files come from: the cache, the folder that FASTNN_DATA names, the network.

Nothing that is read is trusted: a file is compared with a known checksum wherever it came from.
"""

from __future__ import annotations

import os
from pathlib import Path

TIMEOUT = 10.0  # seconds without an answer, or between two pieces of it
_PIECE = 1 << 20


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/fastnn`, by default `~/.cache/fastnn`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "fastnn"


def find(name: str) -> Path | None:
    """The file `name` (a relative path) in the cache or, failing that, in `FASTNN_DATA`'s folder.

    Raises:
        FileNotFoundError: FASTNN_DATA is set and names no folder.
    """
    folders = [cache_folder()]
    given = os.environ.get("FASTNN_DATA")
    if given:
        folders.append(Path(given))
        if not folders[-1].is_dir():
            raise FileNotFoundError(
                f"FASTNN_DATA is '{given}', which is not a folder. "
                "Set it to the folder that holds the data files, or unset it."
            )
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def download(url: str, name: str, sha256: str) -> Path:
    """Download `url` to `name` in the cache and return its path.

    The file appears under its name only when it is whole and its SHA-256 is the expected one.

    Raises:
        OSError: no connection, no answer in time, or not the expected file.
    """
    import hashlib
    import http.client
    import tempfile
    import urllib.request

    target = cache_folder() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        digest = hashlib.sha256()
        with os.fdopen(handle, "wb") as file:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
                while piece := answer.read(_PIECE):
                    digest.update(piece)
                    file.write(piece)
        if digest.hexdigest() != sha256:
            raise OSError(f"{url} has the SHA-256 {digest.hexdigest()}, expected {sha256}")
        os.replace(temporary, target)
    except http.client.HTTPException as error:
        raise OSError(f"{url}: {type(error).__name__}: {error}") from error
    finally:
        Path(temporary).unlink(missing_ok=True)
    return target


def sha256_of(data) -> str:
    """The SHA-256 of a bytes-like object, in hexadecimal."""
    import hashlib

    return hashlib.sha256(data).hexdigest()
