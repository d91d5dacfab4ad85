"""Accuracies by row, and what is summed up in float64."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reference import metrics as reference

from .helpers import assert_close, normal, uniform

SHAPES = [(0, 3), (1, 1), (5, 2), (33, 10), (7, 100), (130, 17)]


def scores(shape):
    """Scores with many ties."""
    return np.round(normal(shape, seed=1) * 2) / 2


def labels(shape):
    return np.random.default_rng(2).integers(0, shape[1], shape[0]).astype(np.int32)


@pytest.mark.parametrize("shape", SHAPES)
def test_categorical_accuracy(kernel, shape):
    y, p = labels(shape), scores(shape)
    best = p.argmax(1) if p.size else np.zeros(0)  # the first maximum
    y[::2] = best[::2]
    expected = (y == best).astype(np.float32)
    np.testing.assert_array_equal(kernel("sparse_categorical_accuracy", y, p), expected)
    t = np.eye(shape[1], dtype=np.float32)[y]
    np.testing.assert_array_equal(kernel("categorical_accuracy", t, p), expected)


def test_labels_out_of_range_are_wrong_but_no_fault(kernel):
    y, p = np.array([-1, 3, 2**31 - 1, 0], np.int32), np.tile(np.float32([1, 0, 0]), (4, 1))
    assert kernel("sparse_categorical_accuracy", y, p).tolist() == [0, 0, 0, 1]
    assert kernel("sparse_top_k", y, p, k=3).tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("threshold", [0.5, 0.25])
def test_binary_accuracy(kernel, shape, threshold):
    t, p = (uniform(shape, seed=3) > 0.4).astype(np.float32), uniform(shape, seed=4)
    p.flat[::3] = threshold  # not above it
    t.flat[1::5] = 0.5  # equal to neither 0 nor 1
    exact = ((p > threshold) == t).mean(1)
    y = kernel("binary_accuracy", t, p, threshold=threshold)
    np.testing.assert_array_equal(y, exact.astype(np.float32))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("k", [1, 2, 5, 1000])
def test_top_k(kernel, shape, k):
    y, p = labels(shape), scores(shape)
    if shape[0] > 3:
        p[0, 0], p[1, -1], p[2, 0] = np.nan, np.inf, -np.inf
    expected = reference.in_top_k(y, p, k)
    np.testing.assert_array_equal(kernel("sparse_top_k", y, p, k=k), expected)
    t = np.eye(shape[1], dtype=np.float32)[y]
    np.testing.assert_array_equal(kernel("top_k", t, p, k=k), expected)


@pytest.mark.parametrize("n", [0, 1, 17, 1025, 5000])
@pytest.mark.parametrize("weighted", [False, True])
def test_accumulate(kernel, n, weighted):
    state = np.array([3.5, 100.0])
    values = normal(n, seed=5)
    weights = uniform(n, seed=6) if weighted else None
    w = weights.astype(np.float64) if weighted else np.ones(n)
    y = kernel("accumulate", state, values, weights, weight=2.5)
    exact = state + 2.5 * np.array([(values * w).sum(), w.sum()])
    size = state + 2.5 * np.array([np.abs(values * w).sum(), w.sum()])
    assert_close(y, exact, size * 2.0**-29, n + 4)  # float64: UNIT * 2^-29 is its rounding


def test_accumulate_is_float64(kernel):
    y = kernel("accumulate", np.array([2.0**40, 0.0]), np.ones(3, np.float32), None, weight=1.0)
    assert y[0] == 2.0**40 + 3


@pytest.mark.parametrize("n", [0, 1, 33, 1000])
@pytest.mark.parametrize("t", [1, 3, 200])
@pytest.mark.parametrize("weighted", [False, True])
def test_accumulate_confusion(kernel, n, t, weighted):
    state = np.arange(4 * t, dtype=np.float64).reshape(4, t)
    targets = (uniform(n, seed=7) > 0.6).astype(np.float32)
    targets[::4] *= 0.5  # any target but 0 is positive
    thresholds = np.linspace(0, 1, t, dtype=np.float32)
    predictions = uniform(n, seed=8)
    predictions[::3] = thresholds[t // 2]
    weights = uniform(n, seed=9) if weighted else None
    w = weights.astype(np.float64) if weighted else np.ones(n)
    y = kernel("accumulate_confusion", state, targets, predictions, weights, thresholds)
    exact = state + reference.confusion(targets, predictions, w, thresholds)
    assert_close(y, exact, (state + w.sum()) * 2.0**-29, n + 2)
    if not weighted:
        np.testing.assert_array_equal(y, exact)
