"""Callbacks, under Keras' name."""

from fastnn.training.callbacks import *  # noqa: F403
