"""Progress bars, as a callback."""

from __future__ import annotations

from typing import Any

from ..progress import Bar
from .callback import Callback, Logs


class ProgbarLogger(Callback):
    """Shows how far fit, evaluate or predict have come; added by them according to `verbose`.

    0 shows nothing, 1 a bar and a line at the end, 2 the line only. The validation within fit shows
    nothing of its own: its values stand in the epoch's line.
    """

    def __init__(self):
        self._bar: Bar | None = None
        self._in_fit = False
        self._batch = -1

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        self.verbose = params["verbose"]

    def on_train_begin(self, logs: Logs = None) -> None:
        self._in_fit = True

    def on_train_end(self, logs: Logs = None) -> None:
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.verbose and self.params["epochs"] > 1:
            print(f"Epoch {epoch + 1}/{self.params['epochs']}")
        self._open()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._finish(logs)

    def on_train_chunk_end(self, batch: int, logs: Logs = None) -> None:
        self._update(batch, logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        if not self._in_fit:
            self._open()

    def on_test_chunk_end(self, batch: int, logs: Logs = None) -> None:
        if not self._in_fit:
            self._update(batch, logs)

    def on_test_end(self, logs: Logs = None) -> None:
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._open()

    def on_predict_chunk_end(self, batch: int, logs: Logs = None) -> None:
        self._update(batch, None)  # the outputs are not for the screen

    def on_predict_end(self, logs: Logs = None) -> None:
        self._finish(logs)

    def abandon(self) -> None:
        """Takes the bar away when an error or Ctrl-C ended the run."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _open(self) -> None:
        self._bar = Bar(self.params["steps"], self.verbose) if self.verbose else None
        self._batch = -1

    def _update(self, batch: int, logs: Logs) -> None:
        self._batch = batch
        if self._bar is not None:
            self._bar.update(batch + 1, logs or {})

    def _finish(self, logs: Logs) -> None:
        if self._bar is not None:
            self._bar.close(self._batch + 1, logs)
            self._bar = None
