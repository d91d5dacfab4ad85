"""Layers, under Keras' name."""

from fastnn.layers import *  # noqa: F403
