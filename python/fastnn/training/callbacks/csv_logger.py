"""The logs of every epoch in a text file."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np

from .callback import Callback, Logs


class CSVLogger(Callback):
    """Writes one row an epoch, and flushes it; `keras.callbacks.CSVLogger`.

    The columns are "epoch" and the logs of the first epoch, sorted; val_ columns are there from the
    start, since validation may come later. What is missing is written as NA.

    Args:
        filename: path of the file.
        separator: between columns.
        append: go on in a file that exists.
    """

    def __init__(self, filename: str | os.PathLike, separator: str = ",", append: bool = False):
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self._file = None

    def on_train_begin(self, logs: Logs = None) -> None:
        self._close()
        self._file = open(self.filename, "a" if self.append else "w", newline="")
        self._writer = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
        if self._writer is None:
            import csv

            keys = sorted(logs)
            if not any(k.startswith("val_") for k in keys):
                keys += [f"val_{k}" for k in keys]
            self._writer = csv.DictWriter(
                self._file, ["epoch", *keys], restval="NA", extrasaction="ignore",
                delimiter=self.sep, lineterminator="\n",
            )  # fmt: skip
            if self._file.tell() == 0:
                self._writer.writeheader()
        self._writer.writerow({"epoch": epoch, **{k: _cell(v) for k, v in logs.items()}})
        self._file.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None


def _cell(value):
    if isinstance(value, Iterable) and not isinstance(value, str) and np.ndim(value):
        return f'"[{", ".join(map(str, value))}]"'
    return value
