"""Files: weights in the safetensors format, written whole or not at all."""

from fastnn.saving.weights import load_weights, save_weights

__all__ = ["load_weights", "save_weights"]
