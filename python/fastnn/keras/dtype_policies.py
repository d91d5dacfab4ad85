"""Dtype policies, under Keras' name."""

from fastnn.dtype_policies import DTypePolicy, deserialize, get, serialize

__all__ = ["DTypePolicy", "deserialize", "get", "serialize"]
