"""A learning rate that a function of the epoch gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..progress import say
from .callback import Callback, Logs


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of each epoch, and logs it as "learning_rate";
    `keras.callbacks.LearningRateScheduler`.

    Args:
        schedule: `(epoch, learning_rate) -> learning_rate`, or `(epoch) -> learning_rate`.
        verbose: 1 says what was set.

    Raises:
        ValueError: (in training) the schedule returned something that is no float.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        if not callable(schedule):
            raise TypeError(
                f"LearningRateScheduler: schedule must be a function; {schedule!r:.60} came."
            )
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        optimizer = self.model.optimizer
        try:
            rate = self.schedule(epoch, float(optimizer.learning_rate))
        except TypeError:
            rate = self.schedule(epoch)
        if not isinstance(rate, float | np.floating):
            raise ValueError(
                f"LearningRateScheduler: the schedule returned {rate!r} for epoch {epoch}; a float "
                "is needed."
            )
        optimizer.learning_rate = float(rate)
        if self.verbose:
            say(f"Epoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
