"""gelu_tanh(x): gelu with tanh in place of the error function."""

from __future__ import annotations

import math

import numpy as np

from ._op import define, not_differentiable
from ._shapes import same

K = math.sqrt(2 / math.pi)
CUBIC = 0.044715
FAR = 40.0  # beyond it tanh is 1 even in float64; infinity times 0 would be NaN


def _reference(x):
    x = np.maximum(x, -FAR)
    return 0.5 * x * (1 + np.tanh(K * (x + CUBIC * x**3)))


def _grad_reference(dy, x):
    x = np.clip(x, -FAR, FAR)
    t = np.tanh(K * (x + CUBIC * x**3))
    slope = K * (1 + 3 * CUBIC * x * x)
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope)


gelu_tanh = define(
    "gelu_tanh",
    shape=same,
    gradient=lambda node, dy: (gelu_tanh_grad(dy, node.inputs[0]),),
    reference=_reference,
    doc="""x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, elementwise.
    (Hendrycks & Gimpel, 2016; Keras' gelu with approximate=True)""",
)

gelu_tanh_grad = define(
    "gelu_tanh_grad",
    inputs="dy x",
    shape=same,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    doc="dy times gelu_tanh's slope at x.",
)
