"""The optimizers that a name or a config can mean. Case does not matter, as in Keras."""

from __future__ import annotations

from fastnn.utils.registry import Registry

from .optimizer import Optimizer

registry = Registry("optimizer", Optimizer, "keras.optimizers", ignore_case=True)
register = registry.add
serialize = registry.serialize
deserialize = registry.deserialize


def get(identifier) -> Optimizer | None:
    """An optimizer from None, a name ("adam", "SGD", ...), a class, a config, or an optimizer.

    Raises:
        ValueError: there is no such optimizer.
    """
    found = registry.get(identifier)
    if found is not None and not isinstance(found, Optimizer):
        raise ValueError(f"Could not interpret optimizer identifier: {identifier!r}.")
    return found
