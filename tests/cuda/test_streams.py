"""Streams of others: arrays that are written on another one than they were made on, and ops on one
that is being captured."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import ops
from fastnn.runtime.device import cuda_module
from fastnn.runtime.device_array import DeviceArray

from .foreign import Interface
from .helpers import ORDERS

X = np.linspace(-3, 3, 24, dtype=np.float32).reshape(4, 6)


@pytest.fixture(autouse=True)
def emulator(cuda_device):
    if not hasattr(cuda_device, "emulator"):
        pytest.skip("there is a GPU, which may be quick enough without waiting")
    return cuda_device.emulator


READERS = {
    "numpy": lambda y, stream: y.numpy(),
    "dlpack": lambda y, stream: (y.__dlpack__(stream=stream), copied(y, stream))[1],
    "interface": lambda y, stream: copied(y, y.__cuda_array_interface__["stream"]),
}


def copied(y: DeviceArray, stream: int) -> np.ndarray:
    """What a reader gets that waits for this stream alone."""
    got = np.empty(y.shape, y.dtype)
    cuda_module().download(y.index, stream, y.address, got)
    return got


@pytest.mark.parametrize("seed", ORDERS)
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("part", ["itself", "reshape", "rows"])
def test_a_reader_waits_for_the_last_writer(emulator, part, reader, seed):
    """An array that was made on one stream is written on another, as `out` and in place. Its parts
    were made before that. Nothing is freed meanwhile, for that waits for all streams."""
    emulator.configure(seed=seed)
    first, second, third = (emulator.Stream() for _ in range(3))
    x, ones = Interface(X), Interface(np.ones((4, 6), np.float32))
    with fastnn.cuda_stream(first.handle):
        y = ops.relu(x)
        parts = {"itself": y, "reshape": ops.reshape(y, (4, 6)), "rows": y[:]}
    with fastnn.cuda_stream(second.handle):
        assert ops.square(x, out=y) is y
    read = READERS[reader](parts[part], third.handle)
    np.testing.assert_array_equal(read, X * X)
    slots = (None for _ in ops.sgd.inputs[2:])
    with fastnn.cuda_stream(first.handle):
        ops.sgd(y, ones, *slots, scalars=[0.5, 0.0], column=0)
    read = READERS[reader](parts[part], third.handle)
    np.testing.assert_array_equal(read, X * X - np.float32(0.5))


@pytest.mark.parametrize("seed", ORDERS)
def test_an_array_is_written_through_a_part_of_it(emulator, seed):
    emulator.configure(seed=seed)
    first, second = emulator.Stream(), emulator.Stream()
    x, half = Interface(X), Interface(X[:2])
    with fastnn.cuda_stream(first.handle):
        y = ops.relu(x)
    with fastnn.cuda_stream(second.handle):
        ops.square(half, out=ops.reshape(y[:2], (2, 6)))
    np.testing.assert_array_equal(y.numpy(), np.vstack([X[:2] ** 2, np.maximum(X[2:], 0)]))


def sgd(p, g):
    return ops.sgd(p, g, *(None for _ in ops.sgd.inputs[2:]), scalars=[0.5, 0.0], column=0)


def test_ops_become_part_of_a_graph(emulator):
    """Of kernels alone."""
    stream = emulator.Stream()
    x, out = Interface(X), Interface(np.zeros_like(X))
    with fastnn.cuda_stream(stream.handle):
        stream.begin_capture()
        ops.relu(x, out=out)
        ops.square(out, out=out)
        assert emulator.waiting() == 0
        assert stream.end_capture() == 2
    stream.synchronize()
    np.testing.assert_array_equal(out.fetch(), np.maximum(X, 0) ** 2)


STATEFUL = {
    "dropout": (lambda x, out: ops.dropout(x, rate=0.5, stream=7, seed=3, out=out), "seed"),
    "sgd": (sgd, "scalars"),
    "gather": (lambda x, out: ops.gather(x, None, batch=4, out=out), "reports"),
}


@pytest.mark.parametrize("name", STATEFUL)
def test_an_op_with_a_state_is_refused_in_a_capture(emulator, name):
    """A graph would copy it from where it was on the host, and would not look at a report."""
    call, why = STATEFUL[name]
    stream = emulator.Stream()
    x, out = Interface(X), Interface(np.zeros_like(X))
    with fastnn.cuda_stream(stream.handle):
        call(x, out)
        stream.synchronize()
        stream.begin_capture()
        with pytest.raises(ValueError, match=f"ops.{name}: its stream is being captured.*{why}"):
            call(x, out)
        assert stream.end_capture() == 0
        call(x, out)
