"""Stop when the loss is low enough."""

from __future__ import annotations

from fastnn.utils.arguments import check_number

from ..progress import say
from .callback import Callback, Logs


class LossThreshold(Callback):
    """Ends training when `monitor` has reached `value`: when it is not greater any more.

    It looks at the end of each epoch, at the epoch's mean, which is the same in every run; when a
    running mean is looked at within an epoch depends on the speed of the machine.

    Args:
        value: the loss to reach.
        monitor: key of the logs; "val_loss" for that of the validation data.
        verbose: 1 says when it acts.

    Raises:
        ValueError: `value` is no number; (in training) `monitor` is not logged.
    """

    def __init__(self, value: float, monitor: str = "loss", verbose: int = 0):
        self.threshold = check_number("LossThreshold", "value", value)
        self.monitor = monitor
        self.verbose = verbose

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
        if self.monitor not in logs:
            raise ValueError(
                f"LossThreshold: {self.monitor!r} is not in the logs, which have {', '.join(logs)}."
            )
        if logs[self.monitor] <= self.threshold:
            if self.verbose:
                say(
                    f"Epoch {epoch + 1}: {self.monitor} reached {logs[self.monitor]:.6g}, the "
                    f"threshold is {self.threshold:g}"
                )
            self.model.stop_training = True
