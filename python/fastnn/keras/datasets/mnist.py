"""MNIST, under Keras' name."""

from fastnn.datasets.mnist import load_data

__all__ = ["load_data"]
