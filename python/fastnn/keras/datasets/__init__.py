"""Data sets, under Keras' name."""

from fastnn.datasets import *  # noqa: F403
