"""Kernels of two operands, with broadcasting, and one_hot."""

from __future__ import annotations

import numpy as np
import pytest

from .helpers import normal, sizes_around_vectors

OPERATIONS = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "heaviside": lambda a, b: np.heaviside(a - b, np.float32(0.5)),
}
# Shapes (a, b) and, by broadcasting, the result: every way in which a dim can be 1.
SHAPES = [
    ((7, 33), (7, 33)),
    ((7, 33), (1, 33)),
    ((1, 33), (7, 33)),
    ((7, 33), (7, 1)),
    ((7, 1), (7, 33)),
    ((7, 33), (1, 1)),
    ((1, 1), (7, 33)),
    ((7, 1), (1, 33)),
    ((1, 33), (7, 1)),
    ((1, 1), (1, 1)),
    ((1029, 1), (1029, 1)),
    ((1029, 1), (1, 1)),
    ((1, 1), (1029, 1)),
    ((130, 17), (1, 17)),
    ((3, 2051), (3, 1)),
]


def result_dims(a, b):
    r, c = np.broadcast_shapes(a, b)
    return {"r": r, "c": c}


def assert_same(y, expected):
    np.testing.assert_array_equal(y, expected.astype(np.float32))


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("a_shape, b_shape", SHAPES)
def test_broadcasting(kernel, name, a_shape, b_shape):
    a, b = normal(a_shape, seed=1), normal(b_shape, seed=2)
    a.flat[::5] = b.flat[0]  # some ties
    dims = result_dims(a_shape, b_shape)
    expected = OPERATIONS[name](a, b)
    assert_same(kernel(name, a, b, dims=dims), expected)
    if name != "heaviside":
        for position, shape in ((0, a_shape), (1, b_shape)):
            if shape == expected.shape:
                assert_same(kernel(name, a, b, dims=dims, in_place_of=position), expected)


@pytest.mark.parametrize("n", sizes_around_vectors())
def test_sizes(kernel, n):
    a, b = normal((1, n), seed=3), normal((1, n), seed=4)
    assert_same(kernel("add", a, b, dims={"r": 1, "c": n}), a + b)


def test_no_rows(kernel):
    a, b = np.zeros((0, 5), np.float32), np.ones((1, 5), np.float32)
    assert kernel("add", a, b, dims={"r": 0, "c": 5}).shape == (0, 5)


@pytest.mark.parametrize("name", OPERATIONS)
def test_special_values(kernel, name):
    values = np.array([0, 1, -2, np.inf, -np.inf, np.nan, 3e38, 1e-45], np.float32)
    a, b = (m.reshape(1, -1) for m in np.meshgrid(values, values))
    y = kernel(name, a, b, dims={"r": 1, "c": a.size})
    expected = OPERATIONS[name](a, b)
    if name == "heaviside":  # inf against itself is a tie, though inf - inf is NaN
        expected[(a == b) & np.isinf(a)] = 0.5
    assert_same(y, expected)


@pytest.mark.parametrize("r, c", [(0, 3), (1, 1), (5, 10), (33, 16), (40, 17), (3, 1030)])
def test_one_hot(kernel, r, c):
    labels = np.random.default_rng(r).integers(0, c, r).astype(np.int32)
    assert_same(kernel("one_hot", labels, dims={"c": c}), np.eye(c)[labels])


@pytest.mark.parametrize("label", [-1, 10, 2**31 - 1, -(2**31)])
def test_one_hot_label_out_of_range(kernel, label):
    labels = np.array([3, label, 9], np.int32)
    y = kernel("one_hot", labels, dims={"c": 10}, fault=f"label {label} .*range")
    expected = np.zeros((3, 10))
    expected[0, 3] = expected[2, 9] = 1
    assert_same(y, expected)
