"""What happened in training, epoch by epoch."""

from __future__ import annotations

from .callback import Callback, Logs


class History(Callback):
    """Records the logs of every epoch; `fit` returns it. `keras.callbacks.History`.

    Attributes:
        history: {"loss": [...], "val_loss": [...], ...}: one value an epoch. The loss is the mean
            over the epoch's batches while the weights were changing, each batch counted with its
            number of rows. val_ lists are shorter where not every epoch was validated.
        epoch: numbers of the epochs, from 0.
        params: "verbose", "epochs", "steps".
    """

    def __init__(self):
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def plot(self, path=None):
        """Draws the learning curves, as `fastnn.plot.plot_history` does; needs the extra [plot]."""
        from fastnn.plot import plot_history

        return plot_history(self, path)
