"""Regularizers, under Keras' name."""

from fastnn.regularizers import *  # noqa: F403
