"""One step of each optimizer in float64, by the formulas of Keras 3; slots are changed in place."""

from __future__ import annotations

import numpy as np


def sgd(p, g, rate, v=None, momentum=0.0, nesterov=False):
    if v is None:
        return p - rate * g
    v[...] = momentum * v - rate * g
    return p + (momentum * v - rate * g if nesterov else v)


def adam(p, g, rate, t, m, v, v_max=None, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    alpha = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    m += (g - m) * (1 - beta_1)
    v += (g * g - v) * (1 - beta_2)
    square = v
    if v_max is not None:
        v_max[...] = np.maximum(v_max, v)
        square = v_max
    return p - m * alpha / (np.sqrt(square) + epsilon)


def rmsprop(p, g, rate, v, velocity=None, mean=None, rho=0.9, momentum=0.0, epsilon=1e-7):
    v[...] = rho * v + (1 - rho) * g * g
    denominator = v + epsilon
    if mean is not None:
        mean[...] = rho * mean + (1 - rho) * g
        denominator = v - mean * mean + epsilon
    step = rate * g / np.sqrt(denominator)
    if velocity is not None:
        velocity[...] = momentum * velocity + step
        step = velocity
    return p - step


def adagrad(p, g, rate, a, epsilon=1e-7):
    a += g * g
    return p - rate * g / np.sqrt(a + epsilon)


def adadelta(p, g, rate, squares, steps, rho=0.95, epsilon=1e-7):
    squares[...] = rho * squares + (1 - rho) * g * g
    step = np.sqrt(steps + epsilon) * g / np.sqrt(squares + epsilon)
    steps[...] = rho * steps + (1 - rho) * step * step
    return p - rate * step


def adamax(p, g, rate, t, m, u, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m += (g - m) * (1 - beta_1)
    u[...] = np.maximum(beta_2 * u, np.abs(g))
    return p - rate * m / ((1 - beta_1**t) * (u + epsilon))


def nadam_momentum(t, beta_1):
    """u_t, and the product u_1 ... u_t."""
    u = [beta_1 * (1 - 0.5 * 0.96**i) for i in range(1, t + 1)]
    return u[-1], float(np.prod(u))


def nadam(p, g, rate, t, m, v, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    u, product = nadam_momentum(t, beta_1)
    u_next, product_next = nadam_momentum(t + 1, beta_1)
    m += (g - m) * (1 - beta_1)
    v += (g * g - v) * (1 - beta_2)
    m_hat = u_next * m / (1 - product_next) + (1 - u) * g / (1 - product)
    return p - rate * m_hat / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
