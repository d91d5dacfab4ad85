"""Data sets in Keras' layout: `load_data() -> ((x_train, y_train), (x_test, y_test))`."""

from fastnn.datasets import fashion_mnist, mnist

__all__ = ["fashion_mnist", "mnist"]
