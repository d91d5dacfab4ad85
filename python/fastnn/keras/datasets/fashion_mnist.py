"""Fashion-MNIST, under Keras' name."""

from fastnn.datasets.fashion_mnist import load_data

__all__ = ["load_data"]
