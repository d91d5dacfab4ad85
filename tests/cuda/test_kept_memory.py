"""Device memory that is given back and given out again, while work on it is still to be done. The
emulator's module keeps none otherwise, because fenced memory finds more."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from .test_data import (  # noqa: F401
    streamed,
    test_a_buffer_that_is_filled_again,
    test_fit_streamed,
    test_streamed_gives_the_bits_of_resident,
    test_the_second_device_gives_the_same_bits,
)
from .test_join import (  # noqa: F401
    same_start,
    test_bits_do_not_depend_on_the_order_of_threads,
)


@pytest.fixture(autouse=True)
def kept(cuda_device):
    if not hasattr(cuda_device, "emulator"):
        pytest.skip("on a GPU memory is kept in all tests")
    cuda_device.emulator.keep_unused(True)
    yield
    gc.collect()
    cuda_device.emulator.keep_unused(False)
    for device in range(len(cuda_device.survey()["devices"])):
        cuda_device.release_unused(device)


@pytest.mark.parametrize("seed", range(20))
def test_a_feed_on_memory_that_is_still_used(cuda_device, seed):
    """The slots are memory that others have given back, which the device's stream has yet to
    write."""
    cuda_device.emulator.configure(seed=seed)
    nbytes = 1000
    before = [cuda_device.Memory(0, nbytes) for _ in range(2)]
    addresses = {memory.address for memory in before}
    for memory in before:
        memory.fill(7)
    del before, memory
    feed = cuda_device.Feed(0, nbytes)
    assert {feed.address(slot) for slot in range(2)} == addresses
    for slot in range(2):
        np.frombuffer(feed.fill(slot), np.uint8)[:] = 1 + slot
        feed.send(slot)
    assert cuda_device.emulator.waiting() > 0
    for slot in range(2):
        feed.fill(slot)  # waits for the copy, and no more
        got = np.empty(nbytes, np.uint8)
        cuda_device.download(0, cuda_device.stream(0), feed.address(slot), got)
        assert (got == 1 + slot).all()
