"""The emulator catches what a GPU would punish, or silently get wrong; and its instructions do what
the PTX manual says."""

from __future__ import annotations

import mmap
import subprocess
import sys

import numpy as np
import pytest

from fastnn import ops

from .foreign import Interface
from .helpers import ORDERS, CudaKernel

THREADS = 256


@pytest.fixture
def memory(cuda_device):
    """A function: device memory that holds an array."""

    def place(array):
        kept = cuda_device.Memory(0, array.nbytes)
        kept.upload(array)
        return kept

    return place


X = np.arange(THREADS, dtype=np.float32)
WRONG = {
    "past_the_end": "bytes past the end of device memory of 1024 bytes",
    "before_the_start": "before device memory of 1024 bytes|just outside device memory of 1024",
    "nowhere": "no memory of the device",
    "past_a_shared_array": "past the end of a shared array of 1024 bytes",
    "past_dynamic_shared": "past the end of the dynamic shared memory of 1024 bytes",
    "endless_recursion": "stack overflows",
    "barrier_for_some": "in __syncthreads|after .* threads left",
    "two_barriers": r"divergent __syncthreads: .*checks.cu:\d+, .*checks.cu:\d+",
    "barrier_after_leaving": "__syncthreads",
    "barrier_never_full": "deadlock: 64 threads wait for ever",
    "shuffle_for_some": "left the kernel|deadlock",
    "shuffle_without_me": "not in the mask",
    "different_operations": "different operations",
    "copy_without_wait": "without waiting for its cp.async",
    "copy_misaligned": "cp.async: an address that is not a multiple of 16",
    "matrix_misaligned": "ldmatrix: a row",
}


@pytest.mark.parametrize("seed", ORDERS)
@pytest.mark.parametrize("name", WRONG)
def test_a_kernel_that_does_wrong(emulator, memory, name, seed):
    x = memory(X)
    emulator.configure(seed=seed)
    with pytest.raises(RuntimeError, match=f"{name}: .*({WRONG[name]}).*") as caught:
        emulator.check(x, name)
    assert "[block 0,0,0]" in str(caught.value) or "just outside" in str(caught.value)
    emulator.check(x, "right_barrier")  # the emulator goes on
    after = np.empty_like(X)
    x.download(after)
    assert (after[:-1] == after[1:] - 1).any()


def test_a_write_between_the_data_and_the_fence(emulator, cuda_device):
    x = cuda_device.Memory(0, 1000)
    with pytest.raises(RuntimeError, match="just_outside: .*just outside device memory of 1000"):
        emulator.check(x, "just_outside")


def through_shared_memory(emulator, memory, name, seed):
    x = memory(X)
    emulator.configure(seed=seed)
    emulator.check(x, name)
    y = np.empty_like(X)
    x.download(y)
    return y


@pytest.mark.parametrize("seed", ORDERS)
@pytest.mark.parametrize("name", ["right_barrier", "copied"])
def test_a_kernel_that_does_right(emulator, memory, name, seed):
    y = through_shared_memory(emulator, memory, name, seed)
    np.testing.assert_array_equal(y, np.roll(X, -1))


@pytest.mark.parametrize("seed", ORDERS)
def test_named_barriers(emulator, memory, seed):
    y = through_shared_memory(emulator, memory, "named_barriers", seed)
    np.testing.assert_array_equal(y, np.roll(X.reshape(4, 64), -1, axis=1).ravel())


@pytest.mark.parametrize("seed", ORDERS)
def test_a_missing_barrier_shows(emulator, memory, seed):
    y = through_shared_memory(emulator, memory, "missing_barrier", seed)
    assert np.isnan(y).any()  # what shared memory is full of at first


@pytest.mark.parametrize("seed", ORDERS)
def test_a_missing_wait_shows(emulator, memory, seed):
    y = through_shared_memory(emulator, memory, "copied_too_late", seed)
    assert np.isnan(y).any()


def test_a_pointer_of_the_host(emulator, memory):
    # A mapping: the heap of a Python at a fixed address, as Debian's is, lies where counts do.
    mapping = np.frombuffer(mmap.mmap(-1, X.nbytes), np.float32)
    with pytest.raises(RuntimeError, match="argument 0 points to memory of the host"):
        emulator.check_host_pointer(memory(X), mapping.ctypes.data)


def test_a_pointer_to_another_device(emulator, cuda_device, memory):
    other = cuda_device.Memory(1, 64)
    with pytest.raises(RuntimeError, match="argument 0 points to memory of another device"):
        emulator.check_host_pointer(memory(X), other.address)


@pytest.mark.parametrize("to_device", [False, True])
def test_a_copy_the_wrong_way(emulator, memory, to_device):
    with pytest.raises(RuntimeError, match="a copy (to|from)"):
        emulator.copy_wrongly(memory(X), to_device)


def test_the_host_cannot_touch_device_memory(emulator):
    code = (
        "import fastnn_cuda_emulator as m; x = m.Memory(0, 64); x.fill(1); m.synchronize(0); "
        "print('before', flush=True); m.emulator.touch(x)"
    )
    env = {"PYTHONPATH": str(sys.modules["fastnn_cuda_emulator"].__file__.rpartition("/")[0])}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert run.returncode < 0 and run.stdout == "before\n", (run.returncode, run.stderr)


@pytest.mark.parametrize("seed", ORDERS)
def test_work_is_done_when_somebody_waits(emulator, seed):
    emulator.configure(seed=seed)
    assert emulator.order_of_work() == (1, 0)


def test_every_order_has_its_turn(emulator, every_order):
    """What the tests of other modules rely on: `every_order` of conftest.py, and the placements."""
    x, seen = Interface(X), []
    for _ in ORDERS:
        ops.relu(x)
        seen.append(emulator.configure()["seed"])
    assert sorted(seen) == list(ORDERS)
    ways = CudaKernel().ways
    assert {(seed % 2, at_end) for seed, at_end in ways[:4]} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def bf16(x):
    """The nearest bf16, ties to even, as uint16."""
    bits = x.view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def test_bf16_fragments(emulator, memory):
    """Small whole numbers, so that every index mistake shows and nothing is rounded."""
    rng = np.random.default_rng(0)
    a = rng.integers(-8, 9, (16, 16)).astype(np.float32)
    b = rng.integers(-8, 9, (16, 8)).astype(np.float32)
    d = np.full((16, 8), np.nan, np.float32)
    out = memory(d)
    emulator.multiply(memory(bf16(a)), memory(bf16(b)), out, True)
    out.download(d)
    np.testing.assert_array_equal(d, a @ b)


def test_tf32_fragments(emulator, memory):
    rng = np.random.default_rng(1)
    a = rng.integers(-1024, 1025, (16, 8)).astype(np.float32)
    b = rng.integers(-1024, 1025, (8, 8)).astype(np.float32)
    a[3, 5] = 2049.0  # 12 bits: rounds away from zero, to 2050
    d = np.full((16, 8), np.nan, np.float32)
    out = memory(d)
    emulator.multiply(memory(a), memory(b), out, False)
    out.download(d)
    a[3, 5] = 2050.0
    np.testing.assert_array_equal(d, a @ b)
