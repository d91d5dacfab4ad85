"""All callbacks of one call of fit, evaluate or predict."""

from __future__ import annotations

from typing import Any

from .callback import Callback
from .history import History
from .progbar_logger import ProgbarLogger


class CallbackList:
    """The user's callbacks, then a `History`, then a `ProgbarLogger`; one that the user brought
    takes the place of ours.

    Args:
        callbacks: None, a `Callback`, or a list or tuple of them.
        model: what the callbacks see as `self.model`.
        history: add a `History` (fit does).
        params: "verbose", "epochs", "steps".

    Raises:
        TypeError: something in `callbacks` is no `Callback`.
    """

    def __init__(self, callbacks, model, *, history: bool = False, params: dict[str, Any]):
        self.callbacks = _as_list(callbacks)
        if history and not any(isinstance(c, History) for c in self.callbacks):
            self.callbacks.append(History())
        if params["verbose"] and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        self.params = params
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)

    @property
    def history(self) -> History:
        return next(c for c in self.callbacks if isinstance(c, History))

    def call(self, hook: str, *args) -> None:
        """Calls one hook of every callback: `call("on_epoch_end", epoch, logs)`."""
        for callback in self.callbacks:
            getattr(callback, hook)(*args)

    def per_batch(self, mode: str) -> list[Callback]:
        """Those that want to be called around every batch of "train", "test" or "predict"."""
        return [c for c in self.callbacks if c.uses_batches(mode)]


def _as_list(callbacks) -> list[Callback]:
    if callbacks is None:
        return []
    if not isinstance(callbacks, list | tuple):
        callbacks = [callbacks]
    for callback in callbacks:
        if isinstance(callback, type) and issubclass(callback, Callback):
            raise TypeError(f"A callback must be an object, not a class: {callback.__name__}().")
        if not isinstance(callback, Callback):
            raise TypeError(
                f"A callback must be a fastnn.callbacks.Callback; {type(callback).__name__} came: "
                f"{callback!r:.60}. Wrap functions in LambdaCallback(on_epoch_end=...)."
            )
    return list(callbacks)
