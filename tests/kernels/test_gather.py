"""Rows of a data set into a minibatch, and back; indices that do not exist."""

from __future__ import annotations

import numpy as np
import pytest

from .helpers import normal

WIDTHS = [1, 3, 16, 17, 784]
TYPES = {"u8": np.uint8, "i32": np.int32, "i64": np.int64, "f32": np.float32, "f64": np.float64}
SOURCES = ["u8", "i32", "i64", "f32", "f64"]


def dataset(kind, rows, w):
    rng = np.random.default_rng(w)
    if kind[0] == "f":
        return rng.normal(size=(rows, w)).astype(TYPES[kind])
    low, high = (0, 256) if kind == "u8" else (-(2**30), 2**30)
    return rng.integers(low, high, (rows, w)).astype(TYPES[kind])


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("w", WIDTHS)
@pytest.mark.parametrize("ordered", [False, True])
def test_to_float(kernel, kind, w, ordered):
    data, row, b = dataset(kind, 50, w), 7, 33
    order = np.random.default_rng(1).permutation(50) if ordered else None
    picked = data[order[row : row + b]] if ordered else data[row : row + b]
    scale, shift = np.float32(1 / 255), np.float32(-0.5)
    attrs = {"scale": float(scale), "shift": float(shift)}
    y = kernel(f"gather_{kind}_f32", data, order, dims={"b": b}, row=row, **attrs)
    np.testing.assert_array_equal(y, picked.astype(np.float32) * scale + shift)


@pytest.mark.parametrize("kind", ["u8", "i32", "i64"])
@pytest.mark.parametrize("w", [1, 5])
@pytest.mark.parametrize("ordered", [False, True])
def test_to_labels(kernel, kind, w, ordered):
    data, row, b = dataset(kind, 40, w), 3, 20
    order = np.random.default_rng(1).permutation(40) if ordered else None
    picked = data[order[row : row + b]] if ordered else data[row : row + b]
    y = kernel(f"gather_{kind}_i32", data, order, dims={"b": b}, row=row)
    np.testing.assert_array_equal(y, picked)


def test_labels_beyond_int32_stay_out_of_range(kernel):
    data = np.array([[2**40 + 3], [-(2**40)], [5]])
    y = kernel("gather_i64_i32", data, None, dims={"b": 3})
    assert y.ravel().tolist() == [2**31 - 1, -(2**31), 5]


def test_an_empty_minibatch(kernel):
    y = kernel("gather_f32_f32", normal((4, 3)), None, dims={"b": 0}, scale=1.0, shift=0.0)
    assert y.shape == (0, 3)


@pytest.mark.parametrize("index", [-1, 10, 2**62, -(2**63)])
def test_an_index_that_does_not_exist(kernel, index):
    data, order = normal((10, 5)), np.array([3, index, 9])
    y = kernel(
        "gather_f32_f32", data, order, dims={"b": 3}, fault="index .*range", scale=1.0, shift=1.0
    )
    np.testing.assert_array_equal(y, [data[3] + 1, np.zeros(5), data[9] + 1])


@pytest.mark.parametrize("ordered", [False, True])
def test_rows_beyond_the_end(kernel, ordered):
    data = np.arange(10, dtype=np.int32)[:, None]
    order = np.arange(9) if ordered else None
    # The position itself is named: nothing was read beyond the end of the order. On a GPU there is
    # no telling which of two comes first.
    fault = f"index {'(9|10)' if ordered else 10} .*range"
    y = kernel("gather_i32_i32", data, order, dims={"b": 4}, row=7, fault=fault)
    assert y.ravel().tolist() == ([7, 8, 0, 0] if ordered else [7, 8, 9, 0])


@pytest.mark.parametrize("w", WIDTHS)
def test_scatter_rows(kernel, w):
    rows, target = normal((6, w), seed=2), normal((20, w), seed=3)
    expected = target.copy()
    expected[9:15] = rows
    np.testing.assert_array_equal(kernel("scatter_rows", rows, target, row=9), expected)


def test_scatter_rows_beyond_the_end(kernel):
    rows, target = normal((4, 3), seed=2), normal((10, 3), seed=3)
    expected = target.copy()
    expected[8:] = rows[:2]
    y = kernel("scatter_rows", rows, target, row=8, fault="index .*range")
    np.testing.assert_array_equal(y, expected)
