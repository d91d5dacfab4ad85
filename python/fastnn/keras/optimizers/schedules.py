"""Learning rate schedules, under Keras' name."""

from fastnn.optimizers.schedules import *  # noqa: F403
