"""Elementwise kernels of one operand: accuracy in ULP over all of float32, gradients, edges."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from tests.reference import activations as reference

from .helpers import assert_close, normal, sizes_around_vectors, ulps

# Bounds on the error in ULP, over a sample of all float32 values. 0.5: correctly rounded.
FUNCTIONS = {
    "relu": (0, {}),
    "leaky_relu": (0.5, {"alpha": 0.25}),
    "clipped_relu": (0.5, {"negative_slope": 0.5, "max_value": 6.0, "threshold": 0.0}),
    "elu": (2, {"alpha": 1.5}),
    "selu": (2.5, {}),
    "gelu": (4, {}),
    "gelu_tanh": (3.5, {}),
    "silu": (3.5, {}),
    "sigmoid": (2.5, {}),
    "tanh": (3, {}),
    "softplus": (2.5, {}),
    "exp": (1.1, {}),
    "log": (1, {}),
    "sqrt": (0.5, {}),
    "square": (0.5, {}),
    "abs": (0, {}),
    "sign": (0, {}),
    "copy": (0, {}),
}
OTHERS = {
    "log": np.log,
    "sqrt": np.sqrt,
    "square": np.square,
    "abs": np.abs,
    "sign": np.sign,
    "copy": lambda x: x,
}
SPECIAL = np.array(
    [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -0.5, 1e-45, -1e-45, 1.1754944e-38]
    + [-1.1754944e-38, 3.4028235e38, -3.4028235e38, 88.72283, 88.72284, -87.33655, -103.97, -104.1]
    + [2.0, -2.0, 1e-20, -1e-20, 6.0, 20.0, -20.0, 14.7, -14.7, 12.0, -12.0, 0.70710677, 1.4142135],
    np.float32,
)


@functools.cache
def sweep() -> np.ndarray:
    """Every 8191st float32 by its bits, all specials, and 2^18 numbers of ordinary size."""
    bits = np.arange(0, 2**32, 8191, dtype=np.uint64).astype(np.uint32)
    return np.concatenate([bits.view(np.float32), SPECIAL, normal(2**18, seed=1, scale=4)])


@functools.cache
def exact(name: str) -> np.ndarray:
    attrs = FUNCTIONS[name][1]
    function = reference.FORWARD.get(name) or OTHERS[name]
    return function(sweep().astype(np.float64), **attrs)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_in_ulps(kernel, name):
    bound, attrs = FUNCTIONS[name]
    y = kernel(name, sweep(), **attrs)
    error = ulps(y, exact(name))
    worst = int(error.argmax())
    assert error[worst] <= bound, (
        f"{name}({sweep()[worst]!r}) = {y[worst]!r}, exactly {exact(name)[worst]!r}: "
        f"{error[worst]:.3f} ULP, allowed {bound}"
    )


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("n", sizes_around_vectors())
def test_sizes_and_in_place(kernel, name, n):
    attrs = FUNCTIONS[name][1]
    x = normal(n, seed=n, scale=3)
    y = kernel(name, x, **attrs)
    # A tail lane takes the same operations as any other: the bits are those of a longer vector.
    longer = kernel(name, np.concatenate([x, np.ones(16, np.float32)]), **attrs)
    assert y.tobytes() == longer[:n].tobytes()
    if name != "copy":
        assert kernel(name, x, in_place_of=0, **attrs).tobytes() == y.tobytes()


def test_signed_zeros_keep_their_sign(kernel):
    zeros = np.array([0.0, -0.0], np.float32)
    for name in ("tanh", "sqrt", "copy"):
        assert np.signbit(kernel(name, zeros)).tolist() == [False, True], name


# Roundings of dy * act'(saved), relative to the largest term of the derivative.
SLOPES = {
    "relu": (0, {}),
    "leaky_relu": (1, {"alpha": 0.25}),
    "clipped_relu": (1, {"negative_slope": 0.5, "max_value": 1.5, "threshold": 0.5}),
    "elu": (3, {"alpha": 1.5}),
    "selu": (4, {}),
    "gelu": (10, {}),
    "gelu_tanh": (12, {}),
    "silu": (10, {}),
    "sigmoid": (4, {}),
    "tanh": (4, {}),
    "softplus": (4, {}),
}


def slope_terms(name, saved, slope):
    """The size of the terms that a derivative is the sum of."""
    if name == "gelu":
        return reference.normal_mass(saved) + np.abs(saved) * reference.normal_density(saved)
    if name in ("gelu_tanh", "silu"):  # s + x v' s (1 - s)
        s = reference.sigmoid(reference.gelu_tanh_argument(saved) if name == "gelu_tanh" else saved)
        return s + np.abs(slope - s)
    if name == "selu":
        return np.abs(saved) + reference.SELU_SCALE * reference.SELU_ALPHA
    return np.abs(slope)


@pytest.mark.parametrize("name", SLOPES)
@pytest.mark.parametrize("n", [0, 1, 5, 17, 1031, 20000])
def test_gradients(kernel, name, n):
    roundings, attrs = SLOPES[name]
    x = normal(n, seed=2, scale=3)
    x[: len(SPECIAL)] = SPECIAL[: len(x)]
    x[np.abs(x) > 80] = 0.0  # e^-|x| stays normal
    dy = normal(n, seed=3)
    saved = x if name in reference.READS_X else kernel(name, x, **attrs)
    slope = reference.SLOPE[name](saved.astype(np.float64), **attrs)
    slope[np.isnan(saved)] = np.nan
    dx = kernel(f"{name}_grad", dy, saved, **attrs)
    scale = np.abs(dy) * slope_terms(name, saved.astype(np.float64), slope)
    assert_close(dx, dy * slope, scale, roundings, name)
    for position in (0, 1):
        again = kernel(f"{name}_grad", dy, saved, in_place_of=position, **attrs)
        assert again.tobytes() == dx.tobytes()


@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "silu"])
def test_slopes_far_out(kernel, name):
    far = np.array([-np.inf, -3e38, -300, 300, 3e38, np.inf, np.nan], np.float32)
    dx = kernel(f"{name}_grad", np.full(7, 2.0, np.float32), far)
    np.testing.assert_array_equal(dx, np.array([0, 0, 0, 2, 2, 2, np.nan], np.float32))


@pytest.mark.parametrize("threshold, max_value", [(0.0, np.inf), (1.0, 6.0), (0.0, 1.0)])
def test_clipped_relu(kernel, threshold, max_value):
    attrs = {"negative_slope": 0.125, "max_value": max_value, "threshold": threshold}
    x = np.array([-8, -1, 0, 0.5, 1, 1.5, 6, 7, np.inf, np.nan], np.float32)
    expected = reference.clipped_relu(x.astype(np.float64), **attrs)
    np.testing.assert_array_equal(kernel("clipped_relu", x, **attrs), expected.astype(np.float32))


def test_affine(kernel):
    x = np.concatenate([normal(4099, seed=5), SPECIAL])
    scale, shift = np.float32(1 / 255), np.float32(-0.5)
    y = kernel("affine", x, scale=float(scale), shift=float(shift))
    assert y.tobytes() == (x * scale + shift).tobytes() or np.array_equal(
        y, x * scale + shift, True
    )


def test_clip(kernel):
    x = np.concatenate([normal(1030, seed=6), SPECIAL])
    np.testing.assert_array_equal(kernel("clip", x, low=-0.5, high=0.75), np.clip(x, -0.5, 0.75))
    dy = normal(x.shape, seed=7)
    inside = np.where((x >= -0.5) & (x <= 0.75), dy, 0)
    expected = np.where(np.isnan(x), x, inside)
    np.testing.assert_array_equal(kernel("clip_grad", dy, x, low=-0.5, high=0.75), expected)


@pytest.mark.parametrize("n", sizes_around_vectors())
def test_fill(kernel, n):
    assert (kernel("fill", dims={"n": n}, value=-2.5) == np.float32(-2.5)).all()
