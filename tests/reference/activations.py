"""Activation functions and their derivatives in float64."""

from __future__ import annotations

import math

import numpy as np

SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


def normal_mass(x):
    """P(X < x) for a standard normal X, accurate in the left tail."""
    return np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in x.ravel().tolist()]).reshape(
        x.shape
    )


def normal_density(x):
    return np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def gelu_tanh_argument(x):
    return 2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)


def _times(x, factor):
    """x * factor where a factor of 0 wins over infinity."""
    return np.where(factor == 0, 0.0, x * factor)


def clipped_relu(x, negative_slope, max_value, threshold):
    left = negative_slope * (x - threshold)
    y = np.where(x > threshold, np.minimum(x, max_value), left)
    return np.where(np.isnan(x), x, y)


FORWARD = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x, alpha: np.where(x > 0, x, alpha * x),
    "clipped_relu": clipped_relu,
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "selu": lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: _times(x, normal_mass(x)),
    "gelu_tanh": lambda x: _times(x, sigmoid(gelu_tanh_argument(x))),
    "silu": lambda x: _times(x, sigmoid(x)),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "softplus": softplus,
    "exp": np.exp,
}


def gelu_tanh_slope(x):
    s = sigmoid(gelu_tanh_argument(x))
    inner = 2 * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
    return s + x * inner * s * (1 - s)


# dact/dx by `saved`, which is y, or x for the names in READS_X.
SLOPE = {
    "relu": lambda y: np.where(y > 0, 1.0, 0.0),
    "leaky_relu": lambda y, alpha: np.where(y > 0, 1.0, alpha),
    "clipped_relu": lambda x, negative_slope, max_value, threshold: np.where(
        x > threshold, np.where(x <= max_value, 1.0, 0.0), negative_slope
    ),
    "elu": lambda y, alpha: np.where(y > 0, 1.0, y + alpha),
    "selu": lambda y: np.where(y >= 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
    "gelu": lambda x: normal_mass(x) + x * normal_density(x),
    "gelu_tanh": gelu_tanh_slope,
    "silu": lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))),
    "sigmoid": lambda y: y * (1 - y),
    "tanh": lambda y: 1 - y * y,
    "softplus": lambda y: -np.expm1(-y),
    "exp": lambda y: y,
}
READS_X = ("gelu", "gelu_tanh", "silu", "clipped_relu")
