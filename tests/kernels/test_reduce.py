"""Reductions over an axis, column sums with an activation's gradient, sums to one value."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reference import activations as reference

from .helpers import assert_close, normal, sizes_around_vectors, sum_roundings
from .test_unary import SLOPES

SHAPES = [(0, 3, 1), (3, 0, 1), (1, 1, 1), (2, 3, 1), (5, 17, 1), (33, 100, 1), (2, 9001, 1)]
SHAPES += [(0, 3, 4), (3, 0, 4), (1, 1, 4), (2, 3, 5), (3, 7, 16), (2, 5, 33), (1, 700, 19)]
SHAPES += [(4, 3, 1025), (19, 2, 2), (3, 1300, 20), (2, 513, 4)]


@pytest.mark.parametrize("shape", SHAPES)
def test_reduce_sum(kernel, shape):
    x = normal(shape, seed=1)
    exact = x.astype(np.float64)
    y = kernel("reduce_sum", x, scale=0.75)
    size = 0.75 * np.abs(exact).sum(1)
    assert_close(y, 0.75 * exact.sum(1), size, sum_roundings(shape[1]) + 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_reduce_max(kernel, shape):
    x = normal(shape, seed=2)
    np.testing.assert_array_equal(kernel("reduce_max", x), x.max(1, initial=-np.inf))
    if x.size:
        x[-1, -1, -1] = np.nan
        assert np.isnan(kernel("reduce_max", x)[-1, -1])
        assert np.isnan(kernel("reduce_sum", x, scale=1.0)[-1, -1])


@pytest.mark.parametrize("shape", SHAPES)
def test_broadcast_axis(kernel, shape):
    outer, axis, inner = shape
    x = normal((outer, inner), seed=3)
    expected = np.repeat((x * np.float32(0.3))[:, None], axis, axis=1)
    scale = float(np.float32(0.3))
    y = kernel("broadcast_axis", x, dims={"axis": axis}, scale=scale)
    np.testing.assert_array_equal(y, expected)


ACTIVATIONS = ["linear", "relu", "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "silu"]
ACTIVATIONS += ["sigmoid", "tanh", "softplus", "exp"]  # in the order of csrc/cpu/activation.h


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(
    "r, c", [(0, 3), (1, 1), (5, 10), (300, 33), (128, 64), (7, 1030), (641, 36)]
)
def test_activation_grad_bias(kernel, name, r, c):
    attrs = {"alpha": 0.5} if name in ("leaky_relu", "elu") else {}
    dy, x = normal((r, c), seed=4), normal((r, c), seed=5, scale=2)
    saved = x
    if name not in reference.READS_X and name != "linear":
        saved = kernel(name, x.ravel(), **attrs).reshape(r, c)
    run = {"activation": ACTIVATIONS.index(name), "alpha": attrs.get("alpha", 0.0)}
    dz, db = kernel("activation_grad_bias", dy, saved if name != "linear" else None, **run)
    if name == "linear":
        expected = dy
    elif name == "exp":
        expected = dy * saved
    else:  # test_unary.py holds these against the reference
        dz_alone = kernel(f"{name}_grad", dy.ravel(), saved.ravel(), **attrs)
        expected = dz_alone.reshape(r, c)
    assert dz.tobytes() == expected.tobytes()
    exact = dz.astype(np.float64)
    assert_close(db, exact.sum(0), np.abs(exact).sum(0), min(r, 256) + r / 256)
    if name == "linear":
        alone = kernel("activation_grad_bias", dy, None, absent=(2,), **run)[1]
        assert alone.tobytes() == db.tobytes()
    for position in (0, 1) if name != "linear" else (0,):
        inputs = (dy, saved if name != "linear" else None)
        again = kernel("activation_grad_bias", *inputs, in_place_of=position, **run)
        assert again[0].tobytes() == dz.tobytes() and again[1].tobytes() == db.tobytes()


def test_every_activation_has_a_gradient_test():
    assert set(ACTIVATIONS) == {"linear", "exp"} | set(SLOPES) - {"clipped_relu"}


@pytest.mark.parametrize("n", sizes_around_vectors())
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("divisor", [0.0, 7.0])
def test_weighted_sum(kernel, n, weighted, divisor):
    values = normal(n, seed=6)
    weights = np.abs(normal(n, seed=7)) if weighted else None
    w = weights.astype(np.float64) if weighted else np.ones(n)
    total = divisor or w.sum()
    y = kernel("weighted_sum", values, weights, divisor=divisor)
    roundings = 2 * sum_roundings(n) + 3
    expected, size = ((values * w).sum() / total, np.abs(values * w).sum() / total) if n else (0, 0)
    assert_close(y, [expected], size, roundings)

    dy = np.array([1.7], np.float32)
    dx = kernel("weighted_sum_grad", dy, weights, dims={"n": n}, divisor=divisor)
    assert_close(dx, dy[0] * w / total if n else [], np.abs(dy[0] * w / total), roundings)


def test_weights_that_sum_to_zero(kernel):
    values, weights = normal(5), np.zeros(5, np.float32)
    assert kernel("weighted_sum", values, weights, divisor=0.0) == 0
    dx = kernel("weighted_sum_grad", np.ones(1, np.float32), weights, divisor=0.0)
    assert (dx == 0).all()


@pytest.mark.parametrize("n", [*sizes_around_vectors(), 3 * 4096])
def test_norm_scale(kernel, n):
    x = normal(n, seed=8)
    blocks = -(-n // 4096)
    sums = kernel("square_sums", x, dims={"blocks": blocks})
    squares = x.astype(np.float64) ** 2
    exact = np.add.reduceat(squares, np.arange(0, n, 4096)) if n else np.zeros(0)
    assert_close(sums, exact, exact, sum_roundings(n) + 1)
    norm = np.sqrt(squares.sum())
    for limit in (0.25 * norm + 0.1, 2 * norm + 0.1):
        factor = min(1.0, limit / norm) if n else 1.0
        y = kernel("norm_scale", sums, limit=limit)
        assert_close(y, [factor], factor, sum_roundings(n) + 2)


def test_norm_scale_of_special_norms(kernel):
    for value, expected in ((0.0, 1.0), (np.inf, np.nan), (np.nan, np.nan)):
        factor = kernel("norm_scale", np.array([value, 1e-30], np.float32), limit=0.5)
        np.testing.assert_array_equal(factor, [expected])


@pytest.mark.parametrize("n", sizes_around_vectors())
@pytest.mark.parametrize("l1, l2", [(0.0, 0.01), (0.02, 0.0), (0.02, 0.01)])
def test_l1_l2(kernel, n, l1, l2):
    w = normal(n, seed=9)
    exact = w.astype(np.float64)
    penalty = l1 * np.abs(exact).sum() + l2 * (exact**2).sum()
    assert_close(kernel("l1_l2", w, l1=l1, l2=l2), [penalty], penalty, sum_roundings(n) + 2)
    dy = np.array([-0.8], np.float32)
    gradient = dy[0] * (l1 * np.sign(exact) + 2 * l2 * exact)
    size = np.abs(dy[0]) * (l1 + 2 * l2 * np.abs(exact))
    assert_close(kernel("l1_l2_grad", dy, w, l1=l1, l2=l2), gradient, size, 5)
