"""Kernels on the emulator, watched by AddressSanitizer, UndefinedBehaviorSanitizer and
ThreadSanitizer, to which every CUDA thread is a thread."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import build_emulator

from . import backend

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = {"address": "libasan.so", "thread": "libtsan.so"}
REPORT = re.compile(r"ERROR: AddressSanitizer|runtime error|WARNING: ThreadSanitizer")
# Of each family a part that goes every way through its kernels.
FILES = (
    "arithmetic", "data", "dropout", "emulator", "gather", "join", "loss", "matmul", "metric",
    "optimizer", "program", "reduce", "softmax", "unary",
)  # fmt: skip
PARTS = (
    "steps_against", "graph_of_the_step", "does_right", "named_barriers", "fragments",
    "shape3", "shape5", "shape11", "dropout and 9001", "test_steps and 1023", "to_float and 17",
    "weighted_sum and 4097", "norm_scale and 4097", "test_networks and 9",
    "instructions_in_a_join", "streamed_gives and 1", "small_integers and 64-nn",
    "small_integers and tf32-64-tn", "small_integers and tf32-64-nt",
    "small_integers and simt-32-nn", "small_integers and simt-128-nn",
    "small_integers and bf16-128-tn", "sizes_and_in_place and 17", "test_gradients and 17",
    "split_sum and bf16-64-tn", "accumulate and 5000", "accumulate_confusion and 3-33",
    "special", "range",
)  # fmt: skip

pytestmark = pytest.mark.skipif(
    "FASTNN_TEST_SANITIZER" in os.environ, reason="runs the other tests, not itself"
)


@pytest.fixture
def built(sanitizer, emulator_folder) -> None:
    """The emulator with this sanitizer."""
    if emulator_folder is None:
        pytest.skip("there is a GPU: the emulator is not needed")
    try:
        library(LIBRARY[sanitizer])
    except FileNotFoundError as error:
        backend.is_missing(str(error))
    build_emulator.build(sanitizer)


def library(name: str) -> str:
    """The path of one of g++'s libraries."""
    path = subprocess.run(
        ["g++", f"-print-file-name={name}"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if not os.path.isabs(path):
        raise FileNotFoundError(f"g++ has no {name}")
    return path


def watched(sanitizer: str, *arguments: str) -> subprocess.CompletedProcess:
    """Runs Python with the sanitizer's library in front of everything else."""
    folder = build_emulator.FOLDER / sanitizer
    environment = {
        "FASTNN_CUDA_EMULATOR": "1",
        "FASTNN_TEST_SANITIZER": sanitizer,
        "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)]),
        # The second, so that exceptions can be thrown: the interpreter itself is plain C.
        "LD_PRELOAD": f"{library(LIBRARY[sanitizer])} {library('libstdc++.so')}",
        "ASAN_OPTIONS": "detect_leaks=0",
        "TSAN_OPTIONS": "ignore_noninstrumented_modules=1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("sanitizer", LIBRARY)
def test_kernels_have_nothing_to_report(sanitizer):
    files = [f"tests/cuda/test_{name}.py" for name in FILES]
    part = " or ".join(f"({part})" for part in PARTS)
    run = watched(sanitizer, "-m", "pytest", "-v", "-p", "no:cacheprovider", *files, "-k", part)
    said = run.stdout + run.stderr
    assert run.returncode == 0 and not REPORT.search(said), said[-6000:]
    passed = re.findall(r"^(tests\S+::.+) PASSED", run.stdout, re.MULTILINE)
    assert len(passed) > 50, run.stdout[-2000:]
    assert without_any(PARTS, passed) == [] == without_any(files, passed)


def without_any(parts, tests: list[str]) -> list[str]:
    """The parts that are in the names of none of the tests, which somebody has called otherwise."""
    return [p for p in parts if not any(all(w in t for w in p.split(" and ")) for t in tests)]


def test_a_part_that_is_nothing():
    tests = ["tests/cuda/test_data.py::test_streamed_gives[1]", "tests/cuda/test_loss.py::test_a"]
    assert without_any(["data", "streamed and 1", "test_a"], tests) == []
    assert without_any(["data and test_a", "streamed and 2", "loss"], tests) == [
        "data and test_a", "streamed and 2",
    ]  # fmt: skip


# Kernels that do wrong (native/checks.cu), and what must be said of each.
WRONG = [
    ("address", "past_a_shared_array", "checks.cu:.*runtime error: index 256 out of bounds"),
    ("address", "past_the_end", "AddressSanitizer.*[\\s\\S]*checks.cu"),
    ("address", "just_outside", "AddressSanitizer: use-after-poison[\\s\\S]*checks.cu"),
    ("address", "misaligned_vector", "checks.cu:.*runtime error: .*misaligned address"),
    ("address", "past_an_inner_array", "checks.cu:.*runtime error: index 1[67] out of bounds"),
    ("thread", "missing_barrier", "ThreadSanitizer: data race[\\s\\S]*checks.cu"),
    ("thread", "unordered_update", "ThreadSanitizer: data race[\\s\\S]*checks.cu"),
]


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("sanitizer, name, message", WRONG)
def test_what_is_seen(sanitizer, name, message):
    code = (
        "import fastnn_cuda_emulator as m\n"
        "x = m.Memory(0, 1000)\n"
        "x.fill(0)\n"
        f"m.emulator.check(x, '{name}')\n"
    )
    run = watched(sanitizer, "-c", code)
    assert re.search(message, run.stderr), run.stderr[-4000:]
