"""fastnn: small and medium neural networks, trained by native programs, behind Keras' API.

    from fastnn import keras

`fastnn.keras` has Keras' names. `fastnn` itself adds what Keras has not: `Trainer`, `compile`,
`ops`, `info()`. All is imported when it is first asked for: `import fastnn` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fastnn.runtime.env import check_environment

if TYPE_CHECKING:
    from fastnn.layers import Input as Input
    from fastnn.models import Model as Model
    from fastnn.models import Sequential as Sequential
    from fastnn.models.compiled import compile as compile
    from fastnn.precision import get_matmul_precision as get_matmul_precision
    from fastnn.precision import set_matmul_precision as set_matmul_precision
    from fastnn.runtime.interop import cuda_stream as cuda_stream
    from fastnn.training.trainer import Trainer as Trainer

__version__ = "0.1.0"

_ROOMS = (
    "activations",
    "callbacks",
    "datasets",
    "dtype_policies",
    "initializers",
    "keras",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "plot",
    "regularizers",
    "saving",
    "utils",
)
_NAMES = {
    "Input": "fastnn.layers",
    "Model": "fastnn.models",
    "Sequential": "fastnn.models",
    "Trainer": "fastnn.training.trainer",
    "get_matmul_precision": "fastnn.precision",
    "set_matmul_precision": "fastnn.precision",
    "compile": "fastnn.models.compiled",
    "cuda_stream": "fastnn.runtime.interop",
    "default_device": "fastnn.runtime.device",
    "set_default_device": "fastnn.runtime.device",
}

__all__ = [*_ROOMS, *_NAMES, "info", "num_threads", "set_num_threads"]

check_environment()


def info() -> dict[str, Any]:
    """What programs run on here, and why.

    Returns:
        a dict: isa, isa_reason, isas (all that are usable), features (of the CPU), bf16 (the
        instructions that make bf16 products, or None: all are float32), threads,
        threads_reason, affinity (CPUs), quota (CPUs or None), device (the default one), cuda (what
        there is of it: a dict of built, emulated, driver, devices, reason).
    """
    from fastnn.runtime.device import cuda_info, default_device
    from fastnn.runtime.load import core

    return {**core().info(), "device": default_device(), "cuda": cuda_info()}


def num_threads() -> int:
    """How many threads a program runs on."""
    from fastnn.runtime.load import core

    return core().num_threads()


def set_num_threads(threads: int) -> None:
    """Makes programs run on `threads` threads. The results do not depend on it, bit for bit.

    Raises:
        ValueError: not in 1 ... 1024.
    """
    from fastnn.runtime.load import core

    core().set_num_threads(threads)


def __getattr__(name: str):
    if name in _ROOMS:
        path = "fastnn.training.callbacks" if name == "callbacks" else f"fastnn.{name}"
        return importlib.import_module(path)
    if name in _NAMES:
        module = importlib.import_module(_NAMES[name])
        value = globals()[name] = getattr(module, name)
        return value
    raise AttributeError(f"module 'fastnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
