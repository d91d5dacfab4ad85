"""CuPy's and PyTorch's own arrays, on a GPU. Without one `test_interop.py` plays their part."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import ops

X = np.linspace(-3, 3, 24, dtype=np.float32).reshape(4, 6)


@pytest.fixture(autouse=True)
def gpu(cuda_device):
    if hasattr(cuda_device, "emulator"):
        pytest.skip("there is no GPU, which CuPy and PyTorch need")


@pytest.fixture
def cupy():
    return pytest.importorskip("cupy", reason="CuPy is not installed")


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if not torch.cuda.is_available():
        pytest.skip("this PyTorch has no CUDA")
    return torch


def test_cupy(cupy):
    x = cupy.asarray(X)
    y = ops.relu(x)
    assert isinstance(y, cupy.ndarray)
    np.testing.assert_array_equal(y.get(), np.maximum(X, 0))
    assert ops.relu(x, out=x) is x
    with pytest.raises(ValueError, match="not C-contiguous"):
        ops.relu(x.T)


def test_cupys_stream(cupy):
    with cupy.cuda.Stream(non_blocking=True):
        x = cupy.asarray(X)
        y = ops.square(ops.relu(x))
        x[...] = 0
        np.testing.assert_array_equal(y.get(), np.maximum(X, 0) ** 2)


def test_torch(torch):
    x = torch.from_numpy(X).cuda()
    y = ops.relu(x)
    assert isinstance(y, torch.Tensor) and y.is_cuda
    np.testing.assert_array_equal(y.cpu().numpy(), np.maximum(X, 0))


def test_torchs_stream(torch):
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        x = torch.from_numpy(X).cuda()
        y = ops.square(x)
    stream.synchronize()
    np.testing.assert_array_equal(y.cpu().numpy(), X * X)


def test_from_one_to_the_other(cupy, torch):
    """A DeviceArray between the two: `ops.reshape` of neither's."""

    class Other:
        def __init__(self, x):
            self.x = x

        def __dlpack__(self, **kwargs):
            return self.x.__dlpack__(**kwargs)

        def __dlpack_device__(self):
            return self.x.__dlpack_device__()

    with fastnn.cuda_stream(torch.cuda.current_stream()):
        y = ops.relu(Other(cupy.asarray(X)))
    np.testing.assert_array_equal(torch.from_dlpack(y).cpu().numpy(), np.maximum(X, 0))
    np.testing.assert_array_equal(cupy.from_dlpack(y).get(), np.maximum(X, 0))
