"""Losses and their gradients in float64: what Keras 3 computes on TensorFlow.

Each elementwise loss is a `Loss`: value and slope of one element, whether a row's value is the mean
of its elements, and the size of the terms that a rounding error is relative to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .activations import sigmoid, softplus


class Loss(NamedTuple):
    mean: bool
    value: Callable
    slope: Callable
    value_size: Callable
    slope_size: Callable

    def rows(self, t, p, **attrs):
        """The value of each row, and the size of its terms."""
        reduce = np.mean if self.mean else np.sum
        return reduce(self.value(t, p, **attrs), -1), reduce(self.value_size(t, p, **attrs), -1)

    def gradient(self, t, p, g, **attrs):
        """d(sum of g * row values) / dp, and the size of its terms."""
        factor = (g / t.shape[1] if self.mean else g)[:, None]
        size = self.slope_size(t, p, **attrs) * np.abs(factor)
        return self.slope(t, p, **attrs) * factor, size


def bounds(epsilon):
    """[epsilon, 1 - epsilon] as float32 holds them."""
    return float(np.float32(epsilon)), float(np.float32(1 - epsilon))


def clipped(x, low, high):
    return np.minimum(np.maximum(x, low), high)


def unclipped(p, low, high):
    """1 where a gradient passes, 0 where p was clipped, NaN for NaN."""
    return np.where(np.isnan(p), p, (p >= low) & (p <= high))


def _magnitude(function):
    return lambda t, p, **attrs: np.abs(function(t, p, **attrs))


def _exact(mean, value, slope):
    """A loss whose roundings are relative to the result itself."""
    return Loss(mean, value, slope, _magnitude(value), _magnitude(slope))


def _huber(t, p, delta):
    e = np.abs(p - t)
    return np.where(e <= delta, 0.5 * e * e, delta * e - 0.5 * delta * delta)


def _kl(t, p, epsilon):
    low = bounds(epsilon)[0]
    return clipped(t, low, 1) * np.log(clipped(t, low, 1) / clipped(p, low, 1))


def _kl_slope(t, p, epsilon):
    low = bounds(epsilon)[0]
    return -clipped(t, low, 1) / clipped(p, low, 1) * unclipped(p, low, 1)


def _bce(t, p, epsilon):
    q = clipped(p, *bounds(epsilon))
    return -(t * np.log(q) + (1 - t) * np.log(1 - q))


def _bce_slope(t, p, epsilon):
    q = clipped(p, *bounds(epsilon))
    return (q - t) / (q * (1 - q)) * unclipped(p, *bounds(epsilon))


def _bce_size(t, p, epsilon):
    q = clipped(p, *bounds(epsilon))
    return np.abs(t) * (1 - np.log(q)) + np.abs(1 - t) * (1 - np.log(1 - q))


def _hinge_slope(t, p):
    m = 1 - t * p
    return np.where(m < 0, 0.0, -t) + 0 * m


LOSSES = {
    "mean_squared_error": _exact(True, lambda t, p: (p - t) ** 2, lambda t, p: 2 * (p - t)),
    "half_squared_error": _exact(False, lambda t, p: 0.5 * (p - t) ** 2, lambda t, p: p - t),
    "mean_absolute_error": _exact(True, lambda t, p: np.abs(p - t), lambda t, p: np.sign(p - t)),
    "huber": Loss(
        True,
        _huber,
        lambda t, p, delta: clipped(p - t, -delta, delta),
        lambda t, p, delta: delta * np.abs(p - t) + delta * delta,
        lambda t, p, delta: np.abs(p - t),
    ),
    "log_cosh": Loss(
        True,
        lambda t, p: np.abs(p - t) + np.log1p(np.exp(-2 * np.abs(p - t))) - np.log(2),
        lambda t, p: np.tanh(p - t),
        lambda t, p: np.abs(p - t) + 1,
        lambda t, p: np.abs(np.tanh(p - t)),
    ),
    "kl_divergence": Loss(
        False, _kl, _kl_slope, lambda t, p, **a: np.abs(_kl(t, p, **a)) + 1, _magnitude(_kl_slope)
    ),
    "poisson": Loss(
        True,
        lambda t, p, epsilon: p - t * np.log(p + epsilon),
        lambda t, p, epsilon: 1 - t / (p + epsilon),
        lambda t, p, epsilon: np.abs(p) + np.abs(t) * (np.abs(np.log(p + epsilon)) + 1),
        lambda t, p, epsilon: 1 + np.abs(t / (p + epsilon)),
    ),
    "hinge": Loss(
        True,
        lambda t, p: np.maximum(1 - t * p, 0),
        _hinge_slope,
        lambda t, p: 1 + np.abs(t * p),
        lambda t, p: np.abs(t),
    ),
    "binary_crossentropy": Loss(True, _bce, _bce_slope, _bce_size, _magnitude(_bce_slope)),
    "sigmoid_crossentropy": Loss(
        True,
        lambda t, x: np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x))),
        lambda t, x: sigmoid(x) - t,
        lambda t, x: np.abs(x) + np.abs(x * t) + softplus(-np.abs(x)),
        lambda t, x: sigmoid(x) + np.abs(t),
    ),
}


# ---- over classes: (values, size of the terms), and the same for gradients


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def log_softmax(x):
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def one_hot(labels, c):
    """[r, c]; a label outside [0, c) gives a row of zeros."""
    return (labels[:, None] == np.arange(c)).astype(np.float64)


def categorical_crossentropy(t, p, epsilon):
    log_q = np.log(clipped(p / p.sum(-1, keepdims=True), *bounds(epsilon)))
    return -(t * log_q).sum(-1), (np.abs(t) * (1 - log_q)).sum(-1)


def categorical_crossentropy_grad(t, p, g, epsilon):
    total = p.sum(-1, keepdims=True)
    q = p / total
    with np.errstate(all="ignore"):
        d = np.where(unclipped(q, *bounds(epsilon)) == 0, 0.0, -t / q)
    factor = g[:, None] / total
    dot, size = (d * q).sum(-1, keepdims=True), np.abs(d * q).sum(-1, keepdims=True)
    return (d - dot) * factor, (np.abs(d) + size) * np.abs(factor)


def sparse_categorical_crossentropy(labels, p, epsilon):
    """A label outside [0, c) gives 0."""
    q = clipped(p, *bounds(epsilon))
    hot = one_hot(labels, p.shape[1])
    rows = hot.sum(-1) * np.log(q.sum(-1)) - (hot * np.log(q)).sum(-1)
    return rows, 1 + np.abs(np.log(q.sum(-1))) + np.abs((hot * np.log(q)).sum(-1))


def sparse_categorical_crossentropy_grad(labels, p, g, epsilon):
    q = clipped(p, *bounds(epsilon))
    hot = one_hot(labels, p.shape[1])
    passes = unclipped(p, *bounds(epsilon)) * hot.sum(-1, keepdims=True) * g[:, None]
    inverse = 1 / q.sum(-1, keepdims=True)
    return (inverse - hot / q) * passes, (inverse + hot / q) * np.abs(passes)


def softmax_crossentropy(t, x):
    shift = x.max(-1, keepdims=True) - x
    log_p = log_softmax(x)
    return -(t * log_p).sum(-1), (np.abs(t) * (shift - log_p + 1)).sum(-1)


def softmax_crossentropy_grad(t, p, g):
    mass = t.sum(-1, keepdims=True)
    size = p * np.abs(t).sum(-1, keepdims=True) + np.abs(t)
    return (p * mass - t) * g[:, None], size * np.abs(g[:, None])
