"""The tests of what users call, with device="cuda": all of them but those marked `cpu` and, on the
emulator, `large`, each of which says why.

They run in processes of their own, as a user's program would who sets FASTNN_DEVICE. What a test
demands of the CPU's results it demands here too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Suites, and how many of their tests must at least have run something on the device.
SUITES = {
    "api": (["tests/api"], 120),
    "keras_parity": (["tests/keras_parity"], 150),
    "whole steps": (["tests/program/test_whole_step.py"], 5),
}


pytestmark = pytest.mark.skipif(
    "FASTNN_TEST_SANITIZER" in os.environ, reason="the sanitizers watch the kernels' own tests"
)


@pytest.mark.parametrize("suite", SUITES)
def test_suite(emulator_folder, suite):
    paths, at_least = SUITES[suite]
    environment, which = {"FASTNN_DEVICE": "cuda"}, "not cpu"
    if emulator_folder is not None:
        environment["FASTNN_CUDA_EMULATOR"], which = "1", "not cpu and not large"
        environment["PYTHONPATH"] = os.pathsep.join([emulator_folder, *filter(None, sys.path)])
    options = ["-q", "--tb=short", "-p", "no:cacheprovider", "-p", "tests.cuda.on_device"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-m", which, *paths],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=900,
    )
    print(run.stdout[-3000:])
    assert run.returncode == 0, run.stdout[run.stdout.find("= FAILURES") :][:20000] + run.stderr
    counted = re.search(r"(\d+) of \d+ tests made \d+ runs on the device", run.stdout)
    assert counted and int(counted[1]) >= at_least, run.stdout[-500:]
