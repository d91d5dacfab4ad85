"""The real module where there is no driver, as in a container that was given no GPU. No emulator is
asked for here."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fastnn.runtime import device

from . import backend


@pytest.fixture(autouse=True)
def cuda_device(monkeypatch):
    """fastnn._cuda, with its kernels."""
    monkeypatch.delenv("FASTNN_CUDA_EMULATOR", raising=False)
    found = device.cuda_info()
    if not found["built"]:
        backend.is_missing(found["reason"])
    if found["driver"] is not None:
        pytest.skip("there is a driver")
    return found


def python(code: str) -> str:
    """What a new process prints."""
    path = os.pathsep.join(p for p in sys.path if p)
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_info_says_what_was_found_and_what_is_needed(cuda_device):
    assert cuda_device["devices"] == [] and not cuda_device["emulated"]
    for words in ("no NVIDIA driver was found", "580 series or newer", "--gpus all"):
        assert words in cuda_device["reason"]
    said = " ".join(python("from fastnn.__main__ import main; main(['info'])").split())
    assert "no NVIDIA driver was found" in said


def test_asking_for_the_device_is_an_error_and_all_else_works():
    code = (
        "import fastnn, numpy as np\n"
        "from fastnn.keras import Sequential\n"
        "from fastnn.keras.layers import Dense, Input\n"
        "model = Sequential([Input((3,)), Dense(2)])\n"
        "for ask in (lambda: fastnn.Trainer(model, 'adam', 'mse', device='cuda'),\n"
        "            lambda: fastnn.set_default_device('cuda:1')):\n"
        "    try:\n"
        "        ask()\n"
        "    except RuntimeError as error:\n"
        "        print(error)\n"
        "x, y = np.ones((8, 3), np.float32), np.ones((8, 2), np.float32)\n"
        "fastnn.Trainer(model, 'adam', 'mse').fit(x, y, verbose=0)\n"
        "print('trained')\n"
    )
    first, second, last = python(code).splitlines()
    assert first.startswith('device="cuda" cannot be used: no NVIDIA driver was found')
    assert second.startswith('device="cuda:1" cannot be used: no NVIDIA driver was found')
    assert last == "trained"


def test_the_module_loads_at_once_and_links_no_driver():
    """Its CUDA runtime is inside; the driver's library is looked for when a call needs it."""
    code = (
        "import time, fastnn\n"
        "start = time.process_time()\n"
        "from fastnn import _cuda\n"
        "print(time.process_time() - start)\n"
        "maps = open('/proc/self/maps').read()\n"
        "print('libcuda' in maps, 'libcudart' in maps)\n"
    )
    seconds, mapped = python(code).splitlines()
    assert mapped == "False False"
    assert float(seconds) < 0.1


def test_every_kernel_is_there():
    from fastnn import _cuda

    assert _cuda.missing() == []
