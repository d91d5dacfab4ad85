"""The bf16 products in software (csrc/cpu/software/), as kernels that tests can call like others.

They are compiled here, by a C++ compiler, and are in no wheel: they show the loops of AMX on a CPU
that has none, and are what the instructions' results are compared with where there are some.
"""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from .helpers import Kernel

CSRC = Path(__file__).parents[2] / "csrc"
UNITS = {"software dots": b"d", "software tiles": b"t"}


@functools.cache
def library() -> ctypes.CDLL:
    """Skips the test where there is no compiler or no source tree."""
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler to build the software units with (CXX, g++ or clang++)")
    if not CSRC.exists():
        pytest.skip("the tests are not in a source tree: there is no csrc/ to build")
    folder = tempfile.mkdtemp(prefix="fastnn-software-")
    path = f"{folder}/software.so"
    sources = [*sorted((CSRC / "cpu/software").glob("*.cpp"))]
    sources += [CSRC / f"cpu/generic/{name}.cpp" for name in ("gemm", "optimizer")]
    sources += [CSRC / "program/call.cpp"]
    flags = "-std=c++20 -O2 -fPIC -shared -fvisibility=hidden -ffp-contract=off".split()
    subprocess.run(
        [compiler, *flags, f"-I{CSRC}", *map(str, sources), "-Wl,--no-undefined", "-o", path],
        check=True,
    )
    loaded = ctypes.CDLL(path)
    shutil.rmtree(folder)
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    loaded.run_matmul.restype = loaded.matmul_reason.restype = ctypes.c_char_p
    loaded.run_matmul.argtypes = (ctypes.c_char, *[pointer] * 5, ctypes.c_int)
    loaded.matmul_reason.argtypes = (ctypes.c_char, *[number] * 3, ctypes.c_char, ctypes.c_int)
    return loaded


class Software(Kernel):
    """A unit by its name in UNITS; only matrix products."""

    def _execute(self, record, arrays, parts, fault, run):
        assert fault is None and not run
        self.run(record, arrays, parts)

    def run(self, record, arrays, parts=1, update=None, update_arrays=(), scalars=None) -> None:
        """Runs a product, and the optimizer's step `update` chained to it if there is one."""
        chained = (None, None, None)
        if update is not None:
            chained = (_address(update), _addresses(update_arrays), _address(scalars))
        wrong = library().run_matmul(
            UNITS[self.isa], _address(record), _addresses(arrays), *chained, parts
        )
        assert wrong is None, f"{self.isa}: {wrong.decode()}"

    def reason(self, m, n, k, form, precision):
        letter = {"nn": b"n", "nt": b"b", "tn": b"a"}[form]
        return library().matmul_reason(UNITS[self.isa], m, n, k, letter, precision).decode()


def _address(array):
    return ctypes.c_void_p(array.ctypes.data)


def _addresses(arrays):
    return (ctypes.c_void_p * 8)(*(None if a is None else a.ctypes.data for a in arrays))
