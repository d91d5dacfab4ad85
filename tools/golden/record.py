"""How golden files are written: with the versions that made them, and the same bytes each time."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf


def versions() -> dict[str, str]:
    return {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "backend": keras.config.backend(),
    }


def write_json(path: Path, record: dict) -> None:
    path.write_text(json.dumps(record, indent=1, default=plain) + "\n")


def plain(value):
    """NumPy values and tensors as JSON can hold them."""
    return np.asarray(value).tolist()
