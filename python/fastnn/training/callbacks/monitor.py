"""What callbacks share that watch one logged value: is it there, and is it better than before?"""

from __future__ import annotations

import warnings

from .callback import Callback, Logs


class MonitorCallback(Callback):
    """Base of `EarlyStopping` and `ModelCheckpoint`.

    Args:
        monitor: the key of the logs to watch.
        mode: "min", "max", or "auto": from the metric.
        min_delta: a smaller change is no improvement.

    Raises:
        ValueError: another mode.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0):
        if mode not in ("auto", "min", "max"):
            raise ValueError(
                f"{type(self).__name__}: mode must be 'auto', 'min' or 'max'. Received: {mode!r}"
            )
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best: float | None = None

    def value(self, logs: Logs) -> float | None:
        """The watched value; warns when it was not logged."""
        found = (logs or {}).get(self.monitor)
        if found is None:
            warnings.warn(
                f"{type(self).__name__}: {self.monitor!r} is not in the logs, which have "
                f"{', '.join(logs or {})}. Give validation data, or monitor another value.",
                stacklevel=3,
            )
        return found

    def improved(self, value: float, on: float | None) -> bool:
        if on is None:
            return True
        if self.mode == "auto":
            self.mode = self._direction()
        if self.mode == "min":
            return value + self.min_delta < on
        return value - self.min_delta > on

    def _direction(self) -> str:
        """The mode that fits the metric that is watched."""
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return "min"
        metrics = dict(zip(self.model.metrics_names[1:], self.model.metrics, strict=True))
        if name in metrics and metrics[name].direction is not None:
            return "max" if metrics[name].direction == "up" else "min"
        raise ValueError(
            f"{type(self).__name__}: whether {self.monitor!r} should fall or rise is not known. "
            "Pass mode='min' or mode='max'."
        )
