"""The losses that a name or a config can mean, and how a name becomes one."""

from __future__ import annotations

from fastnn.utils.registry import Registry

from .loss import Loss, LossFunctionWrapper

registry = Registry("loss", Loss, "keras.losses")
serialize = registry.serialize
deserialize = registry.deserialize

_class_of: dict = {}  # function -> the class that reduces it


def add(function, cls: type[Loss], *aliases: str) -> None:
    """Registers the two forms of a loss; the aliases mean the function, as in Keras."""
    registry.add(function, *aliases)
    registry.add(cls)
    _class_of[function] = cls


def get(identifier):
    """What Keras' `losses.get` gives: a function for a function's name, an object for a class'.

    Case matters, as in Keras.

    Raises:
        ValueError: there is no such loss.
    """
    return registry.get(identifier)


def resolve(identifier) -> Loss:
    """A `Loss` from whatever `compile(loss=...)` takes: a name, a class, an object, a config, or a
    function `f(y_true, y_pred)` written in ops.

    Raises:
        ValueError: there is no such loss.
    """
    found = get(identifier)
    if isinstance(found, Loss):
        return found
    if found is None:
        raise ValueError("No loss was given.")
    return _class_of[found]() if found in _class_of else LossFunctionWrapper(found)
