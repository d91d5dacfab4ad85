"""NumPy, with an array for every intermediate result made before."""

from __future__ import annotations

from protocol import Skipped, options, serve

chosen = options()

import numpy as np  # noqa: E402  (after the process is bound to its CPUs)
from arrays import operands  # noqa: E402


def prepare(case: str):
    name, inputs, out = operands(case)
    if name not in CALLS:
        raise Skipped("NumPy has no erf")
    call, between = CALLS[name], np.empty_like(out)
    return lambda: call(*inputs, out, between)


def relu_grad(dy, x, out, between):
    np.greater(x, 0, out=between)
    np.multiply(dy, between, out=out)


def sigmoid(x, out, between):
    np.negative(x, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    np.divide(1, out, out=out)


def softmax(x, out, between):
    np.subtract(x, x.max(axis=1, keepdims=True), out=out)
    np.exp(out, out=out)
    np.divide(out, out.sum(axis=1, keepdims=True), out=out)


def softmax_grad(dy, y, out, between):
    np.multiply(dy, y, out=between)
    np.subtract(dy, between.sum(axis=1, keepdims=True), out=out)
    np.multiply(out, y, out=out)


CALLS = {
    "copy": lambda x, out, between: np.copyto(out, x),
    "add": lambda a, b, out, between: np.add(a, b, out=out),
    "relu": lambda x, out, between: np.maximum(x, 0, out=out),
    "relu_grad": relu_grad,
    "sigmoid": sigmoid,
    "tanh": lambda x, out, between: np.tanh(x, out=out),
    "softmax": softmax,
    "softmax_grad": softmax_grad,
}
serve(prepare, {"numpy": np.__version__}, chosen.threads)
