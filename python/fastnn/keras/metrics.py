"""Metrics, under Keras' name."""

from fastnn.metrics import *  # noqa: F403
