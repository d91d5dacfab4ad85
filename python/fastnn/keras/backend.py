"""What ported programs ask Keras' backend for."""

from fastnn.utils import clear_session

__all__ = ["clear_session"]
