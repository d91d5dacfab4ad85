"""The tests of the CPU's kernels, on the device: see conftest.py."""

from tests.kernels.test_loss import *  # noqa: F403
