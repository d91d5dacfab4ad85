"""The public names of fastnn: imported when they are first asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fastnn


def test_every_name_is_there():
    for name in fastnn.__all__:
        assert getattr(fastnn, name) is not None
    assert fastnn.Sequential is fastnn.keras.Sequential is fastnn.models.Sequential
    assert fastnn.callbacks.LossThreshold is fastnn.keras.callbacks.LossThreshold
    assert set(fastnn.__all__) <= set(dir(fastnn))
    with pytest.raises(AttributeError, match="'Sequentail'"):
        fastnn.Sequentail  # noqa: B018


def test_nothing_is_imported_before():
    code = "import sys, fastnn; print([m for m in sys.modules if m.startswith('fastnn.')])"
    came = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert eval(came.stdout) == ["fastnn.runtime", "fastnn.runtime.env"]


def test_threads():
    before = fastnn.num_threads()
    try:
        fastnn.set_num_threads(3)
        assert fastnn.num_threads() == fastnn.info()["threads"] == 3
        with pytest.raises(ValueError, match="0"):
            fastnn.set_num_threads(0)
    finally:
        fastnn.set_num_threads(before)
