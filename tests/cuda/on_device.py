"""A pytest plugin for test_api_suite.py: runs on the device go through the emulator's orders of
threads, one after the other, and it is counted which tests made some."""

from __future__ import annotations

import pytest

from fastnn.runtime.cuda_program import CudaProgram
from fastnn.runtime.device import cuda_module

from .helpers import ORDERS


class OnDevice:
    def __init__(self):
        self.runs, self.tests, self.with_runs = 0, 0, 0
        self._run = CudaProgram.run

    def pytest_sessionstart(self):
        plugin = self

        def run(program, *args, **kwargs):
            emulator = getattr(cuda_module(), "emulator", None)
            if emulator is not None:
                emulator.configure(seed=ORDERS[plugin.runs % len(ORDERS)])
            plugin.runs += 1
            return plugin._run(program, *args, **kwargs)

        CudaProgram.run = run

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self):
        before = self.runs
        yield
        self.tests += 1
        self.with_runs += self.runs > before

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.write_line(
            f"{self.with_runs} of {self.tests} tests made {self.runs} runs on the device"
        )


def pytest_configure(config):
    config.pluginmanager.register(OnDevice())
