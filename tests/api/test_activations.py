"""Activation functions: every name, its value and its slope, against formulas in float64."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import activations, ops
from fastnn.graph import Graph, Variable, gradients
from tests.evaluate import evaluate
from tests.reference.activations import FORWARD, normal_mass, sigmoid, softplus

# No kink of any function (-3, -1, 0, 1, 3, 6) is near a point.
X = np.array([[-7.3, -2.6, -1.4, -0.7, -0.2], [0.3, 0.8, 1.6, 3.4, 6.5]], np.float32)


def softmax(x):
    e = np.exp(x)
    return e / e.sum(axis=-1, keepdims=True)


FORMULAS = {
    "linear": lambda x: x,
    "relu": FORWARD["relu"],
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": lambda x: FORWARD["elu"](x, 1.0),
    "selu": FORWARD["selu"],
    "gelu": lambda x: x * normal_mass(x),
    "silu": lambda x: x * sigmoid(x),
    "swish": lambda x: x * sigmoid(x),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "softplus": softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "exponential": np.exp,
    "log_sigmoid": lambda x: np.log(sigmoid(x)),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_swish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "softmax": softmax,
    "log_softmax": lambda x: np.log(softmax(x)),
}
HELPERS = {"get", "serialize", "deserialize"}


def test_every_name_is_tested():
    assert set(activations.__all__) - HELPERS == set(FORMULAS)


@pytest.mark.parametrize("name", FORMULAS)
def test_values_and_slopes(name):
    """Traced, in float64. The slope of sum(y * c) by central differences: with h = u^(1/3) they are
    off by h^2 (|f'''| / 6 + |f|), below 1000 h^2 for e^6.5 and for sums up to 800.
    """
    c = np.cos(np.arange(10.0)).reshape(2, 5).astype(np.float32)
    v = Variable(X)
    with Graph() as graph:
        y = activations.get(name)(v)
        total = ops.weighted_sum(y * c)
        (slope,) = gradients(graph, total, [v])
    x = X.astype(np.float64)
    got, got_slope = evaluate(graph, y, slope, known={v: x})
    formula = FORMULAS[name]
    np.testing.assert_allclose(got, formula(x), rtol=1e-13, atol=1e-15)
    h = np.finfo(np.float64).eps ** (1 / 3)
    for index in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[index] = h
        expected = ((formula(x + e) - formula(x - e)) * c).sum() / (2 * h)
        assert got_slope[index] == pytest.approx(expected, abs=1000 * h * h)


@pytest.mark.parametrize("name", FORMULAS)
def test_on_arrays(name):
    """In float32, of any number type and shape: 4 ulp for a function, and up to three of them."""
    expected = FORMULAS[name](X.astype(np.float64))
    function = activations.get(name)
    for x in (X, X.tolist()):
        got = np.asarray(function(x))
        np.testing.assert_allclose(got, expected, rtol=16 * 2**-24, atol=4 * 2**-24)
    whole = np.array([-2, 0, 3])
    expected = FORMULAS[name](whole.astype(np.float64))
    np.testing.assert_allclose(function(whole), expected, rtol=16 * 2**-24, atol=4 * 2**-24)


def test_arguments():
    x = X.astype(np.float64)

    def close(got, expected):
        np.testing.assert_allclose(got, expected, rtol=16 * 2**-24, atol=4 * 2**-24)

    close(activations.relu(X, 0.1, 2.0, 0.5), np.where(x > 0.5, np.minimum(x, 2), 0.1 * (x - 0.5)))
    close(activations.relu(X, negative_slope=0.1), np.where(x > 0, x, 0.1 * x))
    close(activations.leaky_relu(X, 0.4), np.where(x > 0, x, 0.4 * x))
    close(activations.elu(X, 0.3), FORWARD["elu"](x, 0.3))
    close(activations.gelu(X, approximate=True), FORWARD["gelu_tanh"](x))
    close(activations.softmax(X, axis=0), np.exp(x) / np.exp(x).sum(axis=0))


@pytest.mark.parametrize("name", FORMULAS)
def test_names_go_both_ways(name):
    function = activations.get(name)
    assert activations.deserialize(activations.serialize(function)) is function
    assert activations.get(function) is function


@pytest.mark.parametrize("wrong", ["ReLU", "Relu", "get", "np.exp", 3, {"class_name": "exec"}])
def test_unknown_names(wrong):
    with pytest.raises(ValueError, match="activation function"):
        activations.get(wrong)


@pytest.mark.parametrize("function", [np.exp, len, lambda x: x])
def test_functions_of_the_users_own_have_no_name(function):
    assert activations.get(function) is function
    with pytest.raises(ValueError, match="cannot be saved"):
        activations.serialize(function)
    assert activations.get(None) is activations.linear
