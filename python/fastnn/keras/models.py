"""Models, under Keras' name."""

from fastnn.models import *  # noqa: F403
