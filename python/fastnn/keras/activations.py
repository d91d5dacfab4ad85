"""Activation functions, under Keras' name."""

from fastnn.activations import *  # noqa: F403
