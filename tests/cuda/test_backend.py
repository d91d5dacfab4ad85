"""What the tests run on (backend.py): a GPU that cannot be used is not replaced silently."""

from __future__ import annotations

import pytest

from .backend import choose, is_missing


@pytest.fixture(autouse=True)
def cuda_device():
    """Not needed: nothing is run."""


STUB = "this build of fastnn has no CUDA kernels."
ASKED = {"FASTNN_CUDA_EMULATOR": "1"}


@pytest.mark.parametrize(
    "reason, gpu, environment, chosen",
    [
        ("", True, {}, "gpu"),
        ("no driver was found", False, {}, "emulator"),
        (STUB, False, {}, "emulator"),
        (STUB, True, ASKED, "emulator"),
    ],
)
def test_what_is_tested(reason, gpu, environment, chosen):
    assert choose(reason, gpu, environment) == chosen


@pytest.mark.parametrize("environment", [{}, {"FASTNN_CUDA_EMULATOR": "0"}])
@pytest.mark.parametrize("reason", [STUB, "the NVIDIA driver supports CUDA 12.4."])
def test_a_gpu_is_never_replaced_silently(reason, environment):
    with pytest.raises(RuntimeError, match=f"cannot use it: {reason}.*FASTNN_CUDA_EMULATOR=1"):
        choose(reason, True, environment)


@pytest.mark.parametrize("value, outcome", [("ON", "fail"), ("on", "fail"), ("AUTO", "skip")])
def test_what_is_missing_fails_where_it_was_asked_for(monkeypatch, value, outcome):
    monkeypatch.setenv("FASTNN_CUDA", value)
    with pytest.raises(getattr(pytest, outcome).Exception, match="there is no g"):
        is_missing("there is no g++")
