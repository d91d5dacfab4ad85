"""A pytest plugin for test_api_suite.py: runs on the device go through the emulator's orders of
threads, one after the other, and it is counted which tests made some."""

from __future__ import annotations

import pytest

from fastnn.runtime.cuda_program import CudaProgram

from .helpers import EveryOrder


class OnDevice:
    def __init__(self):
        self.orders = EveryOrder()
        self.tests, self.with_runs = 0, 0

    def pytest_sessionstart(self):
        CudaProgram.run = self.orders.of_each(CudaProgram.run)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self):
        before = self.orders.runs
        yield
        self.tests += 1
        self.with_runs += self.orders.runs > before

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.write_line(
            f"{self.with_runs} of {self.tests} tests made {self.orders.runs} runs on the device"
        )


def pytest_configure(config):
    config.pluginmanager.register(OnDevice())
