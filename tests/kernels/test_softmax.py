"""softmax and log_softmax over a middle axis, forward and backward."""

from __future__ import annotations

import numpy as np
import pytest

from .helpers import UNIT, assert_close, normal, sum_roundings

SHAPES = [(0, 3, 1), (1, 1, 1), (2, 10, 1), (33, 16, 1), (7, 17, 1), (5, 1000, 1), (1, 5000, 1)]
SHAPES += [(0, 3, 4), (2, 1, 4), (2, 3, 5), (3, 10, 16), (2, 7, 33), (1, 300, 19)]


def exact_softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def exact_log_softmax(x):
    shifted = x - x.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def column_roundings(shape):
    """Vectors across `inner` add up the axis one by one."""
    return sum_roundings(shape[1]) if shape[2] == 1 else shape[1]


@pytest.mark.parametrize("shape", SHAPES)
def test_forward(kernel, shape):
    x = normal(shape, seed=1, scale=5)
    exact = x.astype(np.float64)
    spread = np.abs(exact - exact.max(1, keepdims=True)) if x.size else exact
    # exp turns the rounding of x - max into a relative error of that size.
    y = kernel("softmax", x)
    p = exact_softmax(exact) if x.size else exact
    assert_close(y, p, p * (1 + spread), column_roundings(shape) + 4)
    assert kernel("softmax", x, in_place_of=0).tobytes() == y.tobytes()
    y = kernel("log_softmax", x)
    log_p = exact_log_softmax(exact) if x.size else exact
    assert_close(y, log_p, 1 + spread + np.abs(log_p), column_roundings(shape) + 4)
    assert kernel("log_softmax", x, in_place_of=0).tobytes() == y.tobytes()


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients(kernel, shape):
    x, dy = normal(shape, seed=2, scale=2), normal(shape, seed=3)
    roundings = column_roundings(shape) + 5
    y = kernel("softmax", x)
    p, d = y.astype(np.float64), dy.astype(np.float64)
    dot, size = (d * p).sum(1, keepdims=True), np.abs(d * p).sum(1, keepdims=True)
    dx = kernel("softmax_grad", dy, y)
    assert_close(dx, p * (d - dot), p * (np.abs(d) + size), roundings)
    for position in (0, 1):
        assert kernel("softmax_grad", dy, y, in_place_of=position).tobytes() == dx.tobytes()

    y = kernel("log_softmax", x)
    p = np.exp(y.astype(np.float64))
    total, size = d.sum(1, keepdims=True), np.abs(d).sum(1, keepdims=True)
    dx = kernel("log_softmax_grad", dy, y)
    assert_close(dx, d - p * total, np.abs(d) + p * size, roundings)
    for position in (0, 1):
        assert kernel("log_softmax_grad", dy, y, in_place_of=position).tobytes() == dx.tobytes()


@pytest.mark.parametrize("inner", [1, 3])
def test_rows_sum_to_one_whatever_their_size(kernel, inner):
    for shift in (-3e38, -1e4, 0, 1e4, 3e38):
        x = np.repeat(normal((4, 9, 1), seed=4), inner, axis=2) + np.float32(shift)
        y = kernel("softmax", x).astype(np.float64)
        assert np.abs(y.sum(1) - 1).max() <= 20 * UNIT, shift


@pytest.mark.parametrize("inner", [1, 3])
def test_special_values(kernel, inner):
    rows = [[0, -np.inf, 0], [np.nan, 0, 1], [0, 1, np.nan], [-np.inf] * 3, [np.inf, 0, 0]]
    x = np.repeat(np.array(rows, np.float32)[:, :, None], inner, axis=2)
    expected = np.full(x.shape, np.nan)
    expected[0] = np.array([0.5, 0, 0.5])[:, None]
    np.testing.assert_array_equal(kernel("softmax", x), expected)
    y = kernel("log_softmax", x)
    assert np.isnan(y[1:]).all() and (y[0, 1] == -np.inf).all()
