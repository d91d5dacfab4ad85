"""The layers that a config or a file can name: this list, and no other."""

from __future__ import annotations

from fastnn.utils.registry import Registry

from .layer import Layer

registry = Registry("layer", Layer, "keras.layers")
register = registry.add
serialize = registry.serialize
deserialize = registry.deserialize
