"""Ops on arrays that other libraries have on a device, through DLPack and
`__cuda_array_interface__`: in, out, and what is wrong with them."""

from __future__ import annotations

import ctypes
import gc
import threading
import types

import numpy as np
import pytest

import fastnn
from fastnn import ops
from fastnn.runtime.device_array import LEGACY, DeviceArray
from fastnn.runtime.interop import as_stream

from .foreign import Consumed, DLPack, Interface, OldDLPack, capsule_name

PRODUCERS = {"interface": Interface, "dlpack": OldDLPack, "dlpack1": DLPack}
X = np.linspace(-3, 3, 24, dtype=np.float32).reshape(4, 6)


@pytest.fixture(params=PRODUCERS)
def producer(request):
    return PRODUCERS[request.param]


@pytest.fixture(params=["dlpack", "dlpack1"])
def dlpack(request):
    return PRODUCERS[request.param]


# ---- values


def test_an_op_of_one_array(producer):
    y = ops.relu(producer(X))
    assert isinstance(y, DeviceArray) and y.shape == X.shape and y.dtype == np.float32
    assert y.device == "cuda:0"
    np.testing.assert_array_equal(y.numpy(), np.maximum(X, 0))


def test_every_protocol_with_every_other():
    a, b = Interface(X), DLPack(2 * X)
    np.testing.assert_array_equal(ops.add(a, ops.add(b, OldDLPack(X))).numpy(), 4 * X)


def test_results_are_inputs_again(producer):
    """A chain of ops: forward and backward of an activation."""
    x = producer(X)
    y = ops.tanh(x)
    dx = ops.tanh_grad(ops.multiply(y, y), y)
    want = np.tanh(X.astype(float)) ** 2
    want *= 1 - np.tanh(X.astype(float)) ** 2
    np.testing.assert_allclose(dx.numpy(), want, rtol=0, atol=10 * 2.0**-24)


def test_what_the_cpu_gives_too(producer):
    w = np.float32([0.5, -1, 2, 1])
    device = ops.weighted_sum(producer(w), None, divisor=4.0)
    assert device.shape == ()
    assert device.numpy() == ops.weighted_sum(w, None, divisor=4.0)


def test_into_memory_of_the_callers(producer):
    x, out = producer(X), producer(np.full_like(X, np.nan))
    assert ops.square(x, out=out) is out
    np.testing.assert_array_equal(out.fetch(), X * X)
    np.testing.assert_array_equal(x.fetch(), X)


def test_in_place(producer):
    x = producer(X)
    assert ops.relu(x, out=x) is x
    np.testing.assert_array_equal(x.fetch(), np.maximum(X, 0))


def test_an_optimizer_step_updates_the_callers_arrays(producer):
    """With scalars from the host, which go along."""
    p, g = producer(X.ravel()), producer(np.ones(24, np.float32))
    slots = ops.sgd.inputs[2:]
    assert ops.sgd(p, g, *(None for _ in slots), scalars=[0.5, 0.0], column=0) is None
    np.testing.assert_array_equal(p.fetch(), X.ravel() - np.float32(0.5))


def test_random_numbers_are_the_cpus(producer):
    got = ops.dropout(producer(X), rate=0.5, stream=7, seed=3, step=5)
    want = ops.dropout(X, rate=0.5, stream=7, seed=3, step=5)
    np.testing.assert_array_equal(got.numpy(), want)


@pytest.mark.parametrize("shape", [(0,), (0, 6), (4, 0)])
def test_no_elements(producer, shape):
    x = producer(np.empty(shape, np.float32))
    y = ops.relu(x)
    assert y.shape == shape and y.numpy().shape == shape


def test_no_elements_at_no_address():
    x = Interface(np.empty((0, 3), np.float32), claims={"data": (0, False)})
    assert ops.relu(x).shape == (0, 3)


def test_a_number_without_axes(producer):
    assert ops.square(producer(np.float32(3).reshape(()))).numpy() == 9


def test_other_dtypes(producer):
    got = ops.one_hot(producer(np.int32([2, 0])), depth=3)
    np.testing.assert_array_equal(got.numpy(), [[0, 0, 1], [1, 0, 0]])


def test_reshape_is_the_same_memory(producer):
    x = producer(X)
    y = ops.reshape(x, (6, 4))
    assert y.address == x.memory.address
    np.testing.assert_array_equal(y.numpy(), X.reshape(6, 4))
    with pytest.raises(ValueError, match="ops.reshape: .* cannot become"):
        ops.reshape(x, (5, 5))


def test_a_byte_offset(dlpack):
    np.testing.assert_array_equal(ops.relu(dlpack(X, byte_offset=260)).numpy(), np.maximum(X, 0))


def test_strides_that_say_contiguous(producer):
    """Of an axis of one element any stride will do."""
    x = producer(X.reshape(4, 1, 6), strides=(6, 99, 1))
    assert ops.relu(x).shape == (4, 1, 6)


# ---- what is refused


def test_strides_that_are_not_contiguous(producer):
    with pytest.raises(ValueError, match=r"ops.relu: `x`: it is not C-contiguous .*strides \[1, 4"):
        ops.relu(producer(X, strides=(1, 4)))


def test_strides_of_parts_of_elements():
    x = Interface(X, claims={"strides": (24, 2)})
    with pytest.raises(ValueError, match="not whole elements"):
        ops.relu(x)


def test_an_address_between_elements(dlpack):
    with pytest.raises(ValueError, match="ops.relu: .*align"):
        ops.relu(dlpack(X, byte_offset=2))


def test_read_only_is_read():
    for kind in (Interface, DLPack):
        x = kind(X, read_only=True)
        np.testing.assert_array_equal(ops.relu(x).numpy(), np.maximum(X, 0))


@pytest.mark.parametrize("kind", [Interface, DLPack])
def test_read_only_is_not_written(kind):
    x = kind(X, read_only=True)
    with pytest.raises(ValueError, match=r"ops.relu: `out` must be a writable .*\(read-only\)"):
        ops.relu(kind(X), out=x)
    p = kind(X.ravel(), read_only=True)
    slots = ops.sgd.inputs[2:]
    with pytest.raises(ValueError, match="ops.sgd: `p` is updated in place, and .*read-only"):
        ops.sgd(p, kind(X.ravel()), *(None for _ in slots), scalars=[1.0, 0.0], column=0)
    np.testing.assert_array_equal(x.fetch(), X)


def test_a_wrong_dtype(producer):
    with pytest.raises(
        TypeError, match=r"ops.relu: `x` must be float32, float64\[4, 6\] on cuda:0"
    ):
        ops.relu(producer(X.astype(np.float64)))


@pytest.mark.parametrize("claims, name", [({"code": 4}, "bfloat32"), ({"lanes": 4}, "float32 x 4")])
def test_a_dtype_that_numpy_has_not(dlpack, claims, name):
    x = dlpack(X, claims=claims)
    with pytest.raises(TypeError, match=f"ops.relu: `x`: it is of {name}"):
        ops.relu(x)
    assert x.deleted == 1


def test_host_and_device_together(producer):
    with pytest.raises(TypeError, match="ops.add: `b` is on the host .numpy.ndarray.*asarray"):
        ops.add(producer(X), X)
    with pytest.raises(TypeError, match="ops.add: `a` is on the host .builtins.float"):
        ops.add(2.0, producer(X))
    with pytest.raises(TypeError, match="ops.relu: `out` is on the host"):
        ops.relu(producer(X), out=np.empty_like(X))


@pytest.mark.usefixtures("second_device")
def test_two_devices(producer):
    with pytest.raises(ValueError, match="ops.add: .*`a` is on cuda:0, `b` is on cuda:1"):
        ops.add(producer(X), producer(X, device=1))


def test_the_second_device(emulator, producer):
    """Work goes where the array is, and the caller's current device stays what it was."""
    a, b = producer(X, device=1), producer(X, device=1)
    gc.collect()  # what is given back is its device's affair
    here = producer(X, device=0)
    assert emulator.current_device() == 0
    y = ops.add(a, b)
    assert emulator.current_device() == here.device
    assert y.device == "cuda:1" and y.__dlpack_device__() == (2, 1)
    np.testing.assert_array_equal(y.numpy(), 2 * X)


def test_a_capsule_of_another_device_than_it_said(dlpack):
    x = dlpack(X, claims={"capsule_device": 1})
    with pytest.raises(ValueError, match=r"its capsule is of device \(2, 1\)"):
        ops.relu(x)
    assert x.deleted == 1


def test_an_address_that_is_not_the_devices():
    host = np.zeros(4, np.float32)
    x = Interface(host, claims={"data": (host.ctypes.data, False)})
    with pytest.raises(ValueError, match="which is in no device's memory"):
        ops.relu(x)


def test_a_mask():
    with pytest.raises(TypeError, match="mask"):
        ops.relu(Interface(X, claims={"mask": object()}))


def test_outputs_that_do_not_fit(producer):
    x = producer(X)
    with pytest.raises(ValueError, match=r"ops.relu: `out` must be .*float32\[4, 6\], .*\[6, 4\]"):
        ops.relu(x, out=producer(X.reshape(6, 4)))
    with pytest.raises(ValueError, match="`out` must be .*float32.*float64"):
        ops.relu(x, out=producer(X.astype(np.float64)))
    with pytest.raises(ValueError, match="`out` must be 1 arrays, 2 came"):
        ops.relu(x, out=(producer(X), producer(X)))


def test_outputs_that_overlap(dlpack):
    """A part of the input, from its second element on."""
    x = dlpack(np.zeros(8, np.float32))
    out = dlpack(np.zeros(7, np.float32), byte_offset=4)
    out.memory = x.memory
    x.shape = (7,)
    with pytest.raises(ValueError, match="`out` overlaps `x`"):
        ops.relu(x, out=out)


def test_labels_out_of_range_are_reported_at_once(producer):
    """An op that looks at its data waits for the device."""
    with pytest.raises(ValueError, match="ops.one_hot: label 3 in row 1 is out of range.* 0 to 2"):
        ops.one_hot(producer(np.int32([2, 3])), depth=3)


def test_no_driver(emulator):
    x = Interface(X)
    emulator.configure(driver=0)
    with pytest.raises(RuntimeError, match="no NVIDIA driver was found"):
        ops.relu(x)


# ---- capsules


def test_a_deleter_is_called_once(dlpack):
    x = dlpack(X)
    y = ops.relu(x)
    assert x.deleted == 1
    y.numpy()
    z = ops.reshape(x, (24,))
    assert x.deleted == 1  # z is its memory
    del z
    assert x.deleted == 2


def test_a_capsule_serves_once(cuda_device, dlpack):
    capsule = dlpack(X).capsule(-1)
    tensor = cuda_device.from_dlpack(capsule)
    assert capsule_name(capsule).startswith(b"used_dltensor")
    with pytest.raises(ValueError, match="not taken yet, got one named 'used_dltensor"):
        cuda_device.from_dlpack(capsule)
    assert tensor.shape == (4, 6)
    with pytest.raises(TypeError, match="expected a capsule, got int"):
        cuda_device.from_dlpack(3)


def test_a_version_from_the_future():
    x = DLPack(X, claims={"major": 2})
    with pytest.raises(BufferError, match=r"expected DLPack 1, got .*version 2\.0"):
        ops.relu(x)
    assert x.deleted == 1


def test_an_error_of_the_producer_is_passed_on():
    class Tracked(DLPack):
        def __dlpack__(self, **_):
            raise BufferError("it needs a gradient: use detach()")

    with pytest.raises(BufferError, match="detach"):
        ops.relu(Tracked(X))


# ---- streams


@pytest.mark.parametrize("seed", range(6))
def test_data_that_comes_late(emulator, producer, seed):
    """Their stream is not ours, and has not worked yet: whatever the order of streams, we wait."""
    emulator.configure(seed=seed)
    theirs, ours = emulator.Stream(), emulator.Stream()
    x = producer(X, stream=theirs)
    with fastnn.cuda_stream(ours.handle):
        y = ops.relu(x)
    assert emulator.waiting() > 0  # nobody has waited for anything
    np.testing.assert_array_equal(y.numpy(), np.maximum(X, 0))


def test_the_stream_that_a_producer_is_asked_for(emulator, dlpack):
    x = dlpack(X)
    ops.relu(x)
    stream = emulator.Stream()
    with fastnn.cuda_stream(stream.handle):
        ops.relu(x)
        with fastnn.cuda_stream(2):
            ops.relu(x)
        ops.relu(x)
    ops.relu(x)
    handle = stream.handle
    assert x.asked == [LEGACY, handle, 2, handle, LEGACY]


def test_the_interfaces_stream_is_worked_on(emulator):
    stream = emulator.Stream()
    y = ops.relu(Interface(X, stream=stream))
    assert y.stream.handle == stream.handle
    assert y.__cuda_array_interface__["stream"] == stream.handle


def test_work_is_in_the_order_of_the_callers_stream(emulator):
    """The caller overwrites x right after the call, on the same stream: that comes later."""
    for seed in range(6):
        emulator.configure(seed=seed)
        stream = emulator.Stream()
        x = Interface(X, stream=stream)
        y = ops.square(x)
        stream.copy(x.memory.address, np.zeros_like(X))
        np.testing.assert_array_equal(y.numpy(), X * X)


@pytest.mark.parametrize("handle", [0, 1, 2])
def test_default_streams(handle):
    with fastnn.cuda_stream(handle):
        y = ops.relu(DLPack(X))
    assert y.stream.handle == (handle or LEGACY)
    np.testing.assert_array_equal(y.numpy(), np.maximum(X, 0))


def test_stream_zero_of_the_interface():
    with pytest.raises(ValueError, match="stream 0"):
        ops.relu(Interface(X, claims={"stream": 0}))


def test_streams_of_all_kinds():
    of = types.SimpleNamespace
    assert as_stream(of(__cuda_stream__=lambda: (0, 77))).handle == 77
    assert as_stream(of(__cuda_stream__=(0, 78))).handle == 78
    assert as_stream(of(ptr=79)).handle == 79
    assert as_stream(of(cuda_stream=80)).handle == 80
    assert as_stream(of(ptr=0)).handle == LEGACY
    for wrong in ("1", None, True, -3, of(ptr=None)):
        with pytest.raises(TypeError, match="A CUDA stream is due"):
            as_stream(wrong)


def test_scratch_memory_is_given_back(cuda_device, emulator):
    """That of ops, and that of results."""
    x = Interface(X)
    ops.weighted_sum(x, None, divisor=1.0).numpy()
    gc.collect()
    before = emulator.allocations()
    for _ in range(3):
        ops.weighted_sum(ops.relu(x), None, divisor=1.0).numpy()
        ops.dropout(x, rate=0.5, stream=1).numpy()
    gc.collect()
    assert emulator.allocations() == before


def test_scratch_memory_outlives_its_kernels(emulator):
    """Whatever other streams do meanwhile."""
    for seed in range(6):
        emulator.configure(seed=seed)
        ours = emulator.Stream()
        with fastnn.cuda_stream(ours.handle):
            y = ops.weighted_sum(Interface(X), None, divisor=1.0)
            ops.relu(Interface(X), out=Interface(X))
        other = emulator.Stream()
        with fastnn.cuda_stream(2):
            ops.relu(Interface(X)).numpy()
        other.synchronize()
        assert y.numpy() == pytest.approx(X.sum(), abs=1e-5)


# ---- results, as others see them


@pytest.mark.parametrize("versioned", [False, True])
def test_a_capsule_of_a_result(emulator, versioned):
    y = ops.relu(Interface(X))
    kwargs = {"max_version": (1, 1)} if versioned else {}
    seen = Consumed(y.__dlpack__(stream=-1, **kwargs))
    assert seen.versioned is versioned
    assert seen.shape == (4, 6) and seen.strides == (6, 1)
    tensor = seen.tensor
    assert (tensor.device_type, tensor.device_id) == y.__dlpack_device__() == (2, 0)
    assert (tensor.code, tensor.bits, tensor.lanes) == (2, 32, 1)
    assert tensor.data == y.address and tensor.byte_offset == 0
    if versioned:
        assert (seen.managed.major, seen.managed.minor, seen.managed.flags) == (1, 0, 0)
    alive = emulator.allocations()
    del y
    gc.collect()
    assert emulator.allocations() == alive  # the consumer has it
    seen.delete()
    assert emulator.allocations() == alive - 1


def test_a_capsule_that_nobody_takes(emulator):
    y = ops.relu(Interface(X))
    alive = emulator.allocations()
    capsule = y.__dlpack__()
    del y, capsule
    gc.collect()
    assert emulator.allocations() == alive - 1


def test_a_deleter_from_another_thread(emulator):
    """Without the GIL, as ctypes calls it."""
    y = ops.relu(Interface(X))
    alive = emulator.allocations()
    seen = Consumed(y.__dlpack__())
    del y
    thread = threading.Thread(target=seen.delete)
    thread.start()
    thread.join()
    assert emulator.allocations() == alive - 1


@pytest.mark.parametrize("seed", range(6))
def test_a_readers_stream_waits(emulator, seed):
    """A consumer copies the result on a stream of its own, as soon as it has the capsule."""
    emulator.configure(seed=seed)
    y = ops.relu(Interface(X, stream=emulator.Stream()))
    reader = emulator.Stream()
    y.__dlpack__(stream=reader.handle)
    reader.synchronize()  # so what it waits for is done
    np.testing.assert_array_equal(
        DeviceArray((4, 6), y.dtype, 0, y.address, as_stream(reader.handle), y).numpy(),
        np.maximum(X, 0),
    )


def test_results_refuse_what_they_cannot_be():
    y = ops.relu(Interface(X))
    with pytest.raises(BufferError, match="another device"):
        y.__dlpack__(dl_device=(1, 0))
    with pytest.raises(BufferError, match="without a copy"):
        y.__dlpack__(copy=True)
    with pytest.raises(ValueError, match="stream=0 is ambiguous"):
        y.__dlpack__(stream=0)
    with pytest.raises(TypeError, match=r"is not on the host: `.numpy\(\)`"):
        np.asarray(y)
    with pytest.raises(TypeError, match="no length"):
        len(ops.reduce_sum(ops.reshape(y, (24,)), axis=0))
    assert len(y) == 4


def test_read_only_memory_stays_read_only():
    y = ops.reshape(DLPack(X, read_only=True), (24,))
    assert y.__cuda_array_interface__["data"][1] is True
    with pytest.raises(BufferError, match="read-only"):
        y.__dlpack__()
    seen = Consumed(y.__dlpack__(max_version=(1, 0)))
    assert seen.managed.flags == 1
    seen.delete()


def test_the_interface_of_a_result():
    y = ops.relu(Interface(X))
    interface = y.__cuda_array_interface__
    assert interface == {
        "shape": (4, 6), "typestr": "<f4", "data": (y.address, False), "strides": None,
        "version": 3, "stream": LEGACY,
    }  # fmt: skip


# ---- libraries that allocate themselves


class CupyArray(Interface):
    """CuPy's array has both protocols; its current stream is the interface's."""

    __module__ = "cupy"

    def __dlpack__(self, **_):
        raise AssertionError("CuPy's arrays are taken by their interface")

    def __dlpack_device__(self):
        return 2, self.device

    def reshape(self, shape):
        return ("reshaped", shape)


@pytest.fixture
def cupy(emulator, monkeypatch):
    """Something like CuPy: a current stream, `empty`."""
    stream = emulator.Stream()
    made = []

    class Device:
        def __init__(self, index):
            self.index = index

        def __enter__(self):
            made.append(self.index)

        def __exit__(self, *_):
            pass

    def empty(shape, dtype):
        return CupyArray(np.empty(shape, dtype), device=made[-1], stream=stream)

    cuda = types.SimpleNamespace(
        get_current_stream=lambda: types.SimpleNamespace(ptr=stream.handle), Device=Device
    )
    fake = types.SimpleNamespace(cuda=cuda, empty=empty, stream=stream)
    monkeypatch.setitem(__import__("sys").modules, "cupy", fake)
    return fake


def test_cupy_in_cupy_out(cupy):
    y = ops.relu(CupyArray(X, stream=cupy.stream))
    assert type(y) is CupyArray and y.shape == (4, 6)
    np.testing.assert_array_equal(y.fetch(), np.maximum(X, 0))
    assert ops.reshape(y, (24,)) == ("reshaped", (24,))


class TorchTensor(DLPack):
    __module__ = "torch"

    @property
    def __cuda_array_interface__(self):
        raise RuntimeError("not for tensors that require grad")


def test_torch_in_torch_out(emulator, monkeypatch):
    stream = emulator.Stream()
    fake = types.SimpleNamespace(
        float32="a dtype",
        cuda=types.SimpleNamespace(
            current_stream=lambda device: types.SimpleNamespace(cuda_stream=stream.handle)
        ),
        empty=lambda shape, dtype, device: TorchTensor(np.empty(shape, np.float32)),
    )
    monkeypatch.setitem(__import__("sys").modules, "torch", fake)
    x = TorchTensor(X)
    y = ops.relu(x)
    assert type(y) is TorchTensor and x.asked == [stream.handle]
    stream.synchronize()
    np.testing.assert_array_equal(y.fetch(), np.maximum(X, 0))


# ---- arrays of the host by DLPack


class OnHost:
    """Has DLPack alone, of host memory: plain, or pinned as CUDA gives it out."""

    def __init__(self, values, device_type):
        self.values, self.device_type = values, device_type

    def __dlpack_device__(self):
        return self.device_type, 0

    def __dlpack__(self, **kwargs):
        held = HostCapsule(self.values, self.device_type)
        return held.capsule(-1)


class HostCapsule(OldDLPack):
    def __init__(self, values, device_type):
        self.values, self.shape, self.strides = values, values.shape, None
        self.memory = types.SimpleNamespace(address=values.ctypes.data)
        self.stream, self.byte_offset, self.device, self.deleted = None, 0, 0, 0
        self.capsules = set()
        self.claims = {"capsule_device_type": device_type}
        self.read_only = False
        HostCapsule.kept = self  # as long as NumPy may call its deleter


@pytest.mark.parametrize("device_type", [1, 3])
def test_host_memory_by_dlpack(device_type):
    y = ops.relu(OnHost(X, device_type))
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(y, np.maximum(X, 0))


def test_the_layout_is_the_abis():
    """Of DLManagedTensor and DLManagedTensorVersioned on a machine of 64 bits."""
    from .foreign import Managed, ManagedVersioned, Tensor

    assert [ctypes.sizeof(t) for t in (Tensor, Managed, ManagedVersioned)] == [48, 64, 80]
