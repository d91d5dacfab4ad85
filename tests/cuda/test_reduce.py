"""The tests of the CPU's kernels, on the device: see conftest.py."""

from tests.kernels.test_reduce import *  # noqa: F403
from tests.kernels.test_reduce import test_reduce_sum as check_sum


def test_more_slabs_than_blocks(kernel):
    """A block then takes several, one after the other, in the same shared memory."""
    check_sum(kernel, (60, 9, 5))
