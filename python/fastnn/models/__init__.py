"""What the user writes: models made of layers, and the Keras surface that trains and runs them."""

from __future__ import annotations

from .model import Model
from .sequential import Sequential

__all__ = ["Model", "Sequential"]
