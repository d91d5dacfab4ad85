"""Utilities, under Keras' name."""

from fastnn.utils import *  # noqa: F403
