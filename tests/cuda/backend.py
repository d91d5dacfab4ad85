"""Which backend `device="cuda"` has in the tests: a GPU, or the emulator. What should be there and
is not fails; it is never replaced silently."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from typing import NoReturn

import pytest


def gpu_is_here() -> bool:
    """Has this machine a driver, or a card that a container passed in? Asked of the system, for a
    build without kernels cannot tell."""
    if os.path.exists("/dev/nvidiactl"):
        return True
    try:
        ctypes.CDLL("libcuda.so.1")  # loads and calls nothing
    except OSError:
        return False
    return True


def choose(reason: str, gpu: bool, environment: Mapping[str, str]) -> str:
    """ "gpu" or "emulator".

    reason       why fastnn cannot use the device, or ""
    gpu          `gpu_is_here()`

    Raises:
        RuntimeError: there is a GPU, and it would not be what is tested.
    """
    if not reason:
        return "gpu"
    if gpu and environment.get("FASTNN_CUDA_EMULATOR") != "1":
        raise RuntimeError(
            f"There is an NVIDIA driver or card, but fastnn cannot use it: {reason} These tests "
            "would test the emulator instead; FASTNN_CUDA_EMULATOR=1 says that this is meant."
        )
    return "emulator"


def is_missing(what: str) -> NoReturn:
    """Skips a test, or fails where the build was to have all of CUDA, as CI's is."""
    if os.environ.get("FASTNN_CUDA", "").upper() == "ON":
        pytest.fail(f"FASTNN_CUDA is ON, but {what}")
    pytest.skip(what)
