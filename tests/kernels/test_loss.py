"""Losses and their gradients against float64, values on the clip bounds, bad labels."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reference import losses as reference

from .helpers import assert_close, normal, sum_roundings, uniform

SHAPES = [(0, 3), (1, 1), (5, 1), (1025, 1), (1, 7), (3, 10), (33, 16), (7, 100), (2, 5000)]
EPSILON = {"epsilon": 1e-5}
# Attributes, and the roundings of one element's value and slope.
LOSSES = {
    "mean_squared_error": ({}, 3, 4),
    "half_squared_error": ({}, 4, 3),
    "mean_absolute_error": ({}, 2, 3),
    "huber": ({"delta": 0.75}, 5, 3),
    "log_cosh": ({}, 6, 8),
    "kl_divergence": (EPSILON, 8, 5),
    "poisson": (EPSILON, 6, 6),
    "hinge": ({}, 3, 3),
    "binary_crossentropy": (EPSILON, 6, 7),
    "sigmoid_crossentropy": ({}, 6, 7),
}


def data(name, shape):
    """Targets and predictions in the loss's domain, some of them on a bound or beyond."""
    if name in ("kl_divergence", "poisson", "binary_crossentropy"):
        t, p = uniform(shape, seed=1), uniform(shape, 0.01, 0.99, seed=2)
        p.flat[::7], p.flat[3::11], t.flat[::5] = 0.0, 1.0, 0.0
        if name == "binary_crossentropy":
            t.flat[::3] = 1.0
        if name == "poisson":
            p *= 4
    else:
        t, p = normal(shape, seed=1), normal(shape, seed=2, scale=2)
        if name == "hinge":
            t = np.sign(t)
        p.flat[::7] = t.flat[::7]
    return t, p


def wide(*arrays):
    return [a.astype(np.float64) for a in arrays]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", SHAPES)
def test_value(kernel, name, shape):
    attrs, roundings, _ = LOSSES[name]
    t, p = data(name, shape)
    exact, size = reference.LOSSES[name].rows(*wide(t, p), **attrs)
    y = kernel(name, t, p, **attrs)
    assert_close(y, exact, size, roundings + 1 + sum_roundings(shape[1]), name)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", SHAPES)
def test_gradient(kernel, name, shape):
    attrs, _, roundings = LOSSES[name]
    t, p = data(name, shape)
    g = normal(shape[:1], seed=3)
    exact, size = reference.LOSSES[name].gradient(*wide(t, p, g), **attrs)
    dp = kernel(f"{name}_grad", t, p, g, **attrs)
    assert_close(dp, exact, size, roundings + 2, name)
    for position in (0, 1):
        again = kernel(f"{name}_grad", t, p, g, in_place_of=position, **attrs)
        assert again.tobytes() == dp.tobytes()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("c", [1, 5])
def test_nan_comes_through(kernel, name, c):
    attrs = LOSSES[name][0]
    clean = np.full((4, c), 0.5, np.float32)
    bad = clean.copy()
    bad[2, -1] = np.nan
    g = np.ones(4, np.float32)
    for t, p in ((bad, clean), (clean, bad)):
        assert np.isnan(kernel(name, t, p, **attrs)).tolist() == [False, False, True, False]
        dp = kernel(f"{name}_grad", t, p, g, **attrs)
        assert np.isnan(dp).tolist() == np.isnan(bad).tolist()


# ---- over classes

CLASS_SHAPES = [(0, 3), (1, 1), (5, 2), (3, 10), (33, 16), (17, 17), (7, 100), (2, 5000)]


def probabilities(shape):
    """Rows that do not sum to 1, with zeros and one row that is certain."""
    p = uniform(shape, 0.05, 1.0, seed=4)
    p.flat[::9] = 0.0
    if shape[0] > 2:
        p[1] = 0.0
        p[1, 0] = 1.0
    p[:, -1] += 0.1
    return p


def dense_targets(shape):
    t = uniform(shape, seed=5)
    t.flat[::4] = 0.0
    return t


def labels(shape, ignored=None):
    y = np.random.default_rng(6).integers(0, shape[1], shape[0]).astype(np.int32)
    if ignored is not None:
        y[::3] = ignored
    return y


@pytest.mark.parametrize("shape", CLASS_SHAPES)
def test_categorical_crossentropy(kernel, shape):
    t, p, g = dense_targets(shape), probabilities(shape), normal(shape[:1], seed=7)
    roundings = 2 * sum_roundings(shape[1]) + 8
    exact, size = reference.categorical_crossentropy(*wide(t, p), **EPSILON)
    assert_close(kernel("categorical_crossentropy", t, p, **EPSILON), exact, size, roundings)
    exact, size = reference.categorical_crossentropy_grad(*wide(t, p, g), **EPSILON)
    dp = kernel("categorical_crossentropy_grad", t, p, g, **EPSILON)
    assert_close(dp, exact, size, roundings)
    for position in (0, 1):
        again = kernel("categorical_crossentropy_grad", t, p, g, in_place_of=position, **EPSILON)
        assert again.tobytes() == dp.tobytes()


@pytest.mark.parametrize("shape", CLASS_SHAPES)
@pytest.mark.parametrize("ignore", [-1, -(2**31)])
def test_sparse_categorical_crossentropy(kernel, shape, ignore):
    p, g = probabilities(shape), normal(shape[:1], seed=7)
    y = labels(shape, -1 if ignore == -1 else None)
    attrs = {**EPSILON, "ignore": ignore}
    roundings = sum_roundings(shape[1]) + 6
    exact, size = reference.sparse_categorical_crossentropy(y, *wide(p), **EPSILON)
    assert_close(kernel("sparse_categorical_crossentropy", y, p, **attrs), exact, size, roundings)
    exact, size = reference.sparse_categorical_crossentropy_grad(y, *wide(p, g), **EPSILON)
    dp = kernel("sparse_categorical_crossentropy_grad", y, p, g, **attrs)
    assert_close(dp, exact, size, roundings)
    again = kernel("sparse_categorical_crossentropy_grad", y, p, g, in_place_of=1, **attrs)
    assert again.tobytes() == dp.tobytes()


@pytest.mark.parametrize("shape", CLASS_SHAPES)
def test_softmax_crossentropy(kernel, shape):
    t, x, g = dense_targets(shape), normal(shape, seed=8, scale=5), normal(shape[:1], seed=7)
    roundings = 2 * sum_roundings(shape[1]) + 8
    loss, p = kernel("softmax_crossentropy", t, x)
    exact, size = reference.softmax_crossentropy(*wide(t, x))
    assert_close(loss, exact, size, roundings)
    assert p.tobytes() == kernel("softmax", x[:, :, None]).tobytes()
    exact, size = reference.softmax_crossentropy_grad(*wide(t, p, g))
    dx = kernel("softmax_crossentropy_grad", t, p, g)
    assert_close(dx, exact, size, sum_roundings(shape[1]) + 4)
    for position in (0, 1):
        again = kernel("softmax_crossentropy_grad", t, p, g, in_place_of=position)
        assert again.tobytes() == dx.tobytes()


@pytest.mark.parametrize("shape", CLASS_SHAPES)
@pytest.mark.parametrize("ignore", [255, -(2**31)])
def test_sparse_softmax_crossentropy(kernel, shape, ignore):
    x, g = normal(shape, seed=8, scale=5), normal(shape[:1], seed=7)
    y = labels(shape, 255 if ignore == 255 and shape[1] <= 255 else None)
    hot = reference.one_hot(y, shape[1])
    if shape[1] > 255:
        hot[y == ignore] = 0
    loss, p = kernel("sparse_softmax_crossentropy", y, x, ignore=ignore)
    exact, size = reference.softmax_crossentropy(hot, *wide(x))
    assert_close(loss, exact, size, sum_roundings(shape[1]) + 8)
    assert p.tobytes() == kernel("softmax", x[:, :, None]).tobytes()
    again = kernel("sparse_softmax_crossentropy", y, x, in_place_of=1, ignore=ignore)
    assert [a.tobytes() for a in again] == [loss.tobytes(), p.tobytes()]
    exact, size = reference.softmax_crossentropy_grad(hot, *wide(p, g))
    dx = kernel("sparse_softmax_crossentropy_grad", y, p, g, ignore=ignore)
    assert_close(dx, exact, size, 3)
    again = kernel("sparse_softmax_crossentropy_grad", y, p, g, in_place_of=1, ignore=ignore)
    assert again.tobytes() == dx.tobytes()


@pytest.mark.parametrize("label", [-1, 4, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("name", ["sparse_categorical_crossentropy", "sparse_softmax_crossentropy"])
def test_labels_out_of_range(kernel, name, label):
    y, p = np.array([0, label, 3], np.int32), uniform((3, 4), 0.1, 1, seed=9)
    attrs = {**(EPSILON if "categorical" in name else {}), "ignore": -7}
    loss = kernel(name, y, p, fault=f"label {label} .*range", **attrs)
    loss = loss[0] if isinstance(loss, tuple) else loss
    assert loss[1] == 0 and loss[0] > 0 and loss[2] > 0
    g = np.ones(3, np.float32)
    dp = kernel(f"{name}_grad", y, p, g, fault=f"label {label} .*range", **attrs)
    assert (dp[1] == 0).all() and (dp[[0, 2]] != 0).all()


def test_crossentropy_of_special_logits(kernel):
    x = np.array([[0, -np.inf, 0], [np.nan, 0, 0], [1e4, -1e4, 0]], np.float32)
    loss, p = kernel("sparse_softmax_crossentropy", np.array([0, 1, 1], np.int32), x, ignore=-1)
    np.testing.assert_allclose(loss, [np.log(2), np.nan, 2e4], rtol=1e-6)
    np.testing.assert_array_equal(p, [[0.5, 0, 0.5], [np.nan] * 3, [1, 0, 0]])
    t = np.array([[1, np.nan, 0]] * 3, np.float32)
    assert np.isnan(kernel("softmax_crossentropy", t, np.zeros((3, 3), np.float32))[0]).all()
