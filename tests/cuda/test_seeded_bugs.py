"""Can the bugs of `tools/seeded_cuda_bugs.py` still be put in, and are their checks still there? CI
runs the script itself, which takes minutes."""

from __future__ import annotations

import importlib
import re

import pytest

from tools import build_emulator
from tools.cuda_bugs import BUGS

CUDA = build_emulator.CSRC / "cuda"


@pytest.fixture(autouse=True)
def cuda_device():
    """Not needed: nothing is run."""


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.what)
def test_the_line_is_there_once(bug):
    """If not, somebody has changed it: look for another that does the same harm."""
    assert (CUDA / bug.file).read_text().count(bug.old) == 1
    assert bug.new != bug.old and (CUDA / bug.unit).exists()
    re.compile(bug.says)


@pytest.mark.parametrize("check", sorted({bug.check for bug in BUGS}))
def test_the_check_is_there(check):
    file, _, name = check.partition("::")
    module = importlib.import_module(f"tests.cuda.{file.removesuffix('.py')}")
    assert callable(getattr(module, name.partition("[")[0]))


def test_there_are_enough_of_all_kinds():
    assert len(BUGS) >= 15 and len({bug.what for bug in BUGS}) == len(BUGS)
    for words in ("barrier", "copies", "shared memory", "not atomic", "aligned", "fragment",
                  "ragged", "graph", "scratch", "shuffle", "stream"):  # fmt: skip
        assert any(words in bug.what for bug in BUGS), words
