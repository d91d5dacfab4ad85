"""Regularizers: values and gradients against float64 formulas, names, configs, errors."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import ops, regularizers
from fastnn.graph import Graph, Variable, gradients
from tests.evaluate import evaluate

W = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)


def orthogonal(w, factor, mode):
    vectors = w if mode == "rows" else w.T
    unit = vectors / np.sqrt(np.maximum((vectors**2).sum(axis=1, keepdims=True), 1e-12))
    n = len(unit)
    pairs = [abs(unit[i] @ unit[j]) for i in range(n) for j in range(i)]
    return factor * sum(pairs) / max(len(pairs), 1)


CASES = {
    "l1": (regularizers.L1(0.3), lambda w: 0.3 * np.abs(w).sum()),
    "l2": (regularizers.L2(0.3), lambda w: 0.3 * (w**2).sum()),
    "l1l2": (
        regularizers.L1L2(0.3, 0.7),
        lambda w: 0.3 * np.abs(w).sum() + 0.7 * (w**2).sum(),
    ),
    "orthogonal rows": (
        regularizers.OrthogonalRegularizer(0.3, "rows"),
        lambda w: orthogonal(w, 0.3, "rows"),
    ),
    "orthogonal columns": (
        regularizers.OrthogonalRegularizer(0.3, "columns"),
        lambda w: orthogonal(w, 0.3, "columns"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name):
    """In float64: the value to a few dozen roundings; the gradient by central differences, which
    with h = u^(1/3) are off by about u^(2/3) times a third derivative of order 1.
    """
    regularizer, formula = CASES[name]
    v = Variable(W)
    with Graph() as graph:
        penalty = regularizer.emit(v)
        (gradient,) = gradients(graph, penalty, [v])
    assert penalty.shape == ()
    w = W.astype(np.float64)
    value, slope = evaluate(graph, penalty, gradient, known={v: w})
    assert value == pytest.approx(formula(w), rel=1e-14)
    h = np.finfo(np.float64).eps ** (1 / 3)
    for index in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[index] = h
        expected = (formula(w + step) - formula(w - step)) / (2 * h)
        assert slope[index] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_called_on_an_array(name):
    regularizer, formula = CASES[name]
    # at most 12 + 16 products and sums in float32
    assert float(regularizer(W)) == pytest.approx(formula(W.astype(np.float64)), rel=30 * 2**-24)


def test_defaults_are_those_of_keras():
    assert regularizers.get("l1").get_config() == {"l1": 0.01}
    assert regularizers.get("l2").get_config() == {"l2": 0.01}
    assert regularizers.get("l1l2").get_config() == {"l1": 0.0, "l2": 0.0}
    config = {"factor": 0.01, "mode": "rows"}
    assert regularizers.get("orthogonal_regularizer").get_config() == config
    assert regularizers.get("L1L2").get_config() == {"l1": 0.0, "l2": 0.0}
    assert regularizers.get(None) is None


@pytest.mark.parametrize("name", CASES)
def test_a_config_makes_the_same_regularizer(name):
    regularizer, _ = CASES[name]
    again = regularizers.deserialize(regularizers.serialize(regularizer))
    assert type(again) is type(regularizer)
    assert again.get_config() == regularizer.get_config()


def test_a_function_written_in_ops():
    regularizer = regularizers.get(lambda w: ops.weighted_sum(ops.square(w), divisor=2.0))
    v = Variable(W)
    with Graph() as graph:
        penalty = regularizer.emit(v)
    assert evaluate(graph, penalty) == pytest.approx((W.astype(np.float64) ** 2).sum() / 2)
    with pytest.raises(ValueError, match="function of your own"):
        regularizers.serialize(regularizer)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: regularizers.get("l3"), "'l3'"),
        (lambda: regularizers.get(0.01), "0.01"),
        (lambda: regularizers.L1(-1), "l1"),
        (lambda: regularizers.L2(float("nan")), "l2"),
        (lambda: regularizers.L1L2(l2=float("inf")), "l2"),
        (lambda: regularizers.L2("much"), "l2"),
        (lambda: regularizers.OrthogonalRegularizer(mode="diagonals"), "mode"),
        (lambda: regularizers.OrthogonalRegularizer()(np.ones(3, np.float32)), "matrix"),
    ],
)
def test_wrong_use_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
