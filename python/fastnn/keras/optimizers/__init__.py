"""Optimizers, under Keras' name."""

from fastnn.optimizers import *  # noqa: F403
