"""Losses, under Keras' name."""

from fastnn.losses import *  # noqa: F403
