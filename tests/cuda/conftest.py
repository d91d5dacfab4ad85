"""CUDA's kernels on a GPU where there is one, and on the emulator everywhere else."""

from __future__ import annotations

import importlib.util
import os
import shutil
import zlib

import numpy as np
import pytest

from fastnn.ops import _on_device
from fastnn.runtime import device, load
from fastnn.runtime.cuda_program import CudaProgram
from tools import build_emulator

from . import backend
from .helpers import CudaKernel, EveryOrder


@pytest.fixture(scope="session")
def emulator_folder() -> str | None:
    """Where the emulator was built (what has not changed is kept); None where there is a GPU."""
    if "FASTNN_TEST_EMULATOR" in os.environ:  # tools/seeded_cuda_bugs.py has one of its own
        return os.environ["FASTNN_TEST_EMULATOR"]
    reason = device.cuda_info()["reason"]
    if backend.choose(reason, backend.gpu_is_here(), os.environ) == "gpu":
        return None
    if importlib.util.find_spec("pybind11") is None or shutil.which("g++") is None:
        backend.is_missing("there is no GPU, and to build the emulator takes g++ and pybind11")
    # Set by test_sanitizers.py, in a process that has the sanitizer preloaded.
    return str(build_emulator.build(os.environ.get("FASTNN_TEST_SANITIZER")).parent)


@pytest.fixture(autouse=True)
def cuda_device(emulator_folder, monkeypatch):
    """The module behind device="cuda". Tests leave the emulator as they found it."""
    if emulator_folder is not None:
        monkeypatch.setenv("FASTNN_CUDA_EMULATOR", "1")
        monkeypatch.syspath_prepend(emulator_folder)
    module = load.cuda()
    before = module.emulator.configure() if hasattr(module, "emulator") else None
    yield module
    if before is not None:
        module.emulator.configure(**before)


@pytest.fixture
def emulator(cuda_device):
    """What only the emulator has: streams that are late, counts, devices to configure."""
    if not hasattr(cuda_device, "emulator"):
        pytest.skip("there is a GPU: this takes the emulator")
    return cuda_device.emulator


@pytest.fixture
def second_device(cuda_device) -> None:
    if len(cuda_device.survey()["devices"]) < 2:
        pytest.skip("there is one GPU")


@pytest.fixture
def kernel() -> CudaKernel:
    return CudaKernel()


@pytest.fixture
def every_order(request, monkeypatch):
    """On the emulator the test's runs, of programs and of single ops, are in one order of threads
    after the other; which comes first is up to the test's name."""
    orders = EveryOrder(zlib.crc32(request.node.name.encode()))
    monkeypatch.setattr(CudaProgram, "run", orders.of_each(CudaProgram.run))
    monkeypatch.setattr(_on_device, "execute", orders.of_each(_on_device.execute))


@pytest.fixture(autouse=True)
def quiet_references():
    """References of special values divide by zero and overflow on purpose."""
    with np.errstate(all="ignore"):
        yield
