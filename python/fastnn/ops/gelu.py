"""gelu(x) = x P(X < x) for a standard normal X: exactly, with the error function."""

from __future__ import annotations

import math

import numpy as np

from ._op import define, not_differentiable
from ._shapes import same

FAR = 40.0  # beyond it density and tail are 0 even in float64; infinity times 0 would be NaN


def normal_cdf(x):
    """P(X < x), one element at a time, as NumPy has no error function; erfc keeps the far left."""
    values = [0.5 * math.erfc(-v * math.sqrt(0.5)) for v in np.ravel(x).tolist()]
    return np.array(values, x.dtype).reshape(x.shape)


def _density(x):
    return np.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))


gelu = define(
    "gelu",
    shape=same,
    gradient=lambda node, dy: (gelu_grad(dy, node.inputs[0]),),
    reference=lambda x: np.maximum(x, -FAR) * normal_cdf(x),
    doc="""x (1 + erf(x / sqrt 2)) / 2, elementwise.
    (Hendrycks & Gimpel, "Gaussian error linear units", 2016)""",
)

gelu_grad = define(
    "gelu_grad",
    inputs="dy x",
    shape=same,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=lambda dy, x: dy * (normal_cdf(x) + np.clip(x, -FAR, FAR) * _density(x)),
    doc="dy times gelu's slope at x.",
)
