"""The layers that a config or a file can name: this list, and no other."""

from __future__ import annotations

from fastnn.utils.registry import Registry

from .layer import Layer

registry = Registry("layer", Layer, "keras.layers")
register = registry.add
serialize = registry.serialize


def deserialize(config) -> Layer:
    """The layer that `serialize` described; its weights are made when it is built.

    Raises:
        ValueError: the config names no layer of fastnn.
    """
    layer = registry.deserialize(config)
    if not isinstance(layer, Layer):
        raise ValueError(f"Not a config of a layer: {config!r}")
    return layer
