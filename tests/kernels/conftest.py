"""One `kernel` for each instruction set that this machine can run."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import _core

from .helpers import Kernel


@pytest.fixture(params=_core.isas())
def kernel(request) -> Kernel:
    return Kernel(request.param)


@pytest.fixture(autouse=True)
def quiet_references():
    """References of special values divide by zero and overflow on purpose."""
    with np.errstate(all="ignore"):
        yield
