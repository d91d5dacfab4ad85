"""Initializers, under Keras' name."""

from fastnn.initializers import *  # noqa: F403
