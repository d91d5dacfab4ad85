"""Save the weights as training goes on."""

from __future__ import annotations

import os

from ..progress import say
from .callback import Logs
from .monitor import MonitorCallback

SUFFIX = ".safetensors"


class ModelCheckpoint(MonitorCallback):
    """Saves the model's weights at the end of epochs, or every so many batches;
    `keras.callbacks.ModelCheckpoint`.

    Files are replaced whole or not at all: a crash while saving leaves the last good one.

    Args:
        filepath: where to, ending in .safetensors (only weights are saved as yet). Fields are
            filled in: "{epoch:02d}-{val_loss:.2f}.safetensors"; epoch and batch count from 1.
        monitor: key of the logs that says which is best.
        verbose: 1 says what is saved.
        save_best_only: save only when `monitor` has improved.
        save_weights_only: the weights are saved in any case.
        mode: "min", "max" or "auto".
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: the best value so far, of a run that goes on.

    Raises:
        ValueError: another suffix, or a save_freq that is neither.
    """

    def __init__(self, filepath, monitor="val_loss", verbose=0, save_best_only=False,
                 save_weights_only=False, mode="auto", save_freq="epoch",
                 initial_value_threshold=None):  # fmt: skip
        super().__init__(monitor, mode)
        self.best = initial_value_threshold
        self.filepath = os.fspath(filepath)
        if not self.filepath.endswith(SUFFIX):
            raise ValueError(
                f"ModelCheckpoint: filepath must end in {SUFFIX!r}: weights are saved, and only in "
                f"that format as yet. Received: {self.filepath!r}"
            )
        whole = isinstance(save_freq, int) and not isinstance(save_freq, bool)
        if save_freq != "epoch" and not (whole and save_freq > 0):
            raise ValueError(
                "ModelCheckpoint: save_freq must be 'epoch' or a number of batches. Received: "
                f"{save_freq!r}"
            )
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._batches_since = 0
        self._last_batch = -1
        self._epoch = 0

    def uses_batches(self, mode: str) -> bool:
        return mode == "train" and self.save_freq != "epoch"

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch
        self._last_batch = -1

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._batches_since += batch - self._last_batch
        self._last_batch = batch
        if self._batches_since >= self.save_freq:
            self._batches_since = 0
            self._save(self._epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: dict) -> None:
        if self.save_best_only and not self._is_best(epoch, logs):
            return
        try:
            path = self.filepath.format(epoch=epoch + 1, **logs)
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: filepath {self.filepath!r} has the field {error}, and the logs "
                f"have {', '.join(logs)}."
            ) from None
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        if self.verbose:
            say(f"Epoch {epoch + 1}: saving model to {path}")
        self.model.save_weights(path)

    def _is_best(self, epoch: int, logs: dict) -> bool:
        value = self.value(logs)
        if value is None:  # as Keras: rather save too much
            return True
        if self.improved(value, self.best):
            if self.verbose:
                was = "None" if self.best is None else f"{self.best:.5f}"
                say(f"Epoch {epoch + 1}: {self.monitor} improved from {was} to {value:.5f}")
            self.best = value
            return True
        if self.verbose:
            say(f"Epoch {epoch + 1}: {self.monitor} did not improve from {self.best:.5f}")
        return False
