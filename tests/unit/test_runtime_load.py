"""Loading the native module, and the environment that it is loaded in."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import fastnn
from fastnn.runtime import load
from fastnn.runtime.env import check_environment


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("FASTNN_ISA", "sse2", "FASTNN_ISA is 'sse2'; expected one of generic, avx2, avx512"),
        ("FASTNN_NUM_THREADS", "0", "FASTNN_NUM_THREADS is '0'; expected a whole number"),
        ("FASTNN_NUM_THREADS", "-2", "FASTNN_NUM_THREADS is '-2'"),
        ("FASTNN_NUM_THREADS", "two", "FASTNN_NUM_THREADS is 'two'"),
        ("FASTNN_NUM_THREADS", "²", "FASTNN_NUM_THREADS is '²'"),
    ],
)
def test_wrong_environment(name, value, message):
    with pytest.raises(ValueError, match=message):
        check_environment({name: value})


def test_right_environment():
    check_environment({})
    check_environment({"FASTNN_ISA": "", "FASTNN_NUM_THREADS": ""})
    check_environment({"FASTNN_ISA": "avx2", "FASTNN_NUM_THREADS": "12", "FASTNN_OTHER": "x"})


def test_isa_from_the_environment():
    show = "from fastnn.runtime.load import core; print(core().isa(), '|', core().isa_reason())"
    environment = {**os.environ, "FASTNN_ISA": "generic"}
    printed = subprocess.check_output([sys.executable, "-c", show], env=environment, text=True)
    assert printed == "generic | FASTNN_ISA=generic\n"


def test_core_is_loaded_once():
    assert load.core() is load.core() is sys.modules["fastnn._core"]


@pytest.mark.parametrize(
    "files, cause",
    [
        ([], "there is no _core{suffix} in {folder} .*not built"),
        (["_core.cpython-38-x86_64-linux-gnu.so", "_core.pyi"],
         "this Python needs _core{suffix}, but the installation has _core.cpython-38-x86_64-l"),
        (["_core{suffix}"], "_core{suffix} is there but does not load: .*_core"),
    ],
)  # fmt: skip
def test_a_module_that_does_not_load(files, cause, monkeypatch, tmp_path):
    import re
    import sysconfig

    names = {"suffix": sysconfig.get_config_var("EXT_SUFFIX"), "folder": str(tmp_path)}
    (tmp_path / "runtime").mkdir()
    for name in files:
        (tmp_path / name.format(**names)).touch()
    monkeypatch.setattr(load, "__file__", str(tmp_path / "runtime" / "load.py"))
    monkeypatch.setattr(load, "_core", None)
    monkeypatch.delattr(fastnn, "_core")
    monkeypatch.setitem(sys.modules, "fastnn._core", None)
    expected = cause.format(**{k: re.escape(v) for k, v in names.items()})
    with pytest.raises(ImportError, match="native module cannot be loaded: " + expected):
        load.core()
