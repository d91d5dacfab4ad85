"""A callback made of functions."""

from __future__ import annotations

from .callback import Callback


class LambdaCallback(Callback):
    """`LambdaCallback(on_epoch_end=lambda epoch, logs: print(logs["loss"]))`;
    `keras.callbacks.LambdaCallback`.

    Args:
        hooks: functions by the name of the `Callback` hook, with that hook's arguments.

    Raises:
        TypeError: a name that is no hook, or something that cannot be called.
    """

    def __init__(self, **hooks):
        for name, function in hooks.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise TypeError(f"LambdaCallback: there is no hook {name!r}.")
            if function is None:
                continue
            if not callable(function):
                raise TypeError(f"LambdaCallback: {name} must be a function; {function!r} came.")
            setattr(self, name, function)
