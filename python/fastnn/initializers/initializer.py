"""The base of initializers, and the names that mean one."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.utils.registry import Registry


class Initializer:
    """Base class. A subclass has `__call__(shape, dtype=None) -> array` and `get_config()`."""

    def __call__(self, shape, dtype=None) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(shape, dtype).")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]):
        return cls(**config)

    def __repr__(self) -> str:
        settings = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"<{type(self).__name__} {settings}>" if settings else f"<{type(self).__name__}>"


registry = Registry("initializer", Initializer, "keras.initializers")
register = registry.add
serialize = registry.serialize
deserialize = registry.deserialize


def as_array(values, dtype) -> np.ndarray:
    """The values in `dtype`, float32 by default."""
    return np.asarray(values, dtype=dtype or np.float32)
