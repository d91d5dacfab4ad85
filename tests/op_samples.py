"""Inputs for every op: what the tests of references, gradients and eager calls run on.

Values are of order one and keep away from the corners of functions that have them (0 for relu, ties
for maximum, the limits of clip), so that finite differences mean something. Attributes that are not
the defaults appear at least once. An op without samples here fails `test_every_op_has_samples`.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from fastnn import ops


class Sample(NamedTuple):
    """One call: inputs (float64, or int32 labels; None: absent), attributes, state of the run."""

    inputs: tuple
    attrs: dict[str, Any] = {}
    state: dict[str, Any] = {}

    def run(self, dtype="float64") -> SimpleNamespace:
        """What a reference with `run=True` is given."""
        state = {"step": 0, "row": 0, "seed": 0, "scalars": (), **self.state}
        state["scalars"] = np.asarray(state["scalars"], dtype)
        return SimpleNamespace(float=np.dtype(dtype), **state)


def numbers(*shape, low=0.1, high=2.0, seed=0) -> np.ndarray:
    """Of either sign, with magnitudes from `low` to `high`, none twice."""
    rng = np.random.default_rng([seed, *shape])
    size = int(np.prod(shape))
    magnitude = np.linspace(low, high, size) if size else np.zeros(0)
    return (rng.permutation(magnitude) * rng.choice([-1, 1], size)).reshape(shape)


def positive(*shape, low=0.2, high=2.0, seed=0) -> np.ndarray:
    return np.abs(numbers(*shape, low=low, high=high, seed=seed))


def chances(*shape, seed=0) -> np.ndarray:
    """Rows of probabilities: positive, summing to one."""
    p = positive(*shape, seed=seed)
    return p / p.sum(-1, keepdims=True)


def labels(*values) -> np.ndarray:
    return np.array(values, np.int32)


X = numbers(3, 5)
DY = numbers(3, 5, seed=1)
T, P = numbers(4, 3), numbers(4, 3, seed=1) * 1.7
BITS = (numbers(4, 3) > 0).astype(float)
ROWS = numbers(4, seed=2)
LABELS = labels(2, 0, 1, 2)
HALF = numbers(4, 3, low=0.05, high=0.25) + 0.5  # from 0.25 to 0.75
SAMPLES: dict[str, list[Sample]] = {}


def add_run(name: str, *inputs, state, **attrs) -> None:
    absent = (None,) * (len(ops.registry[name].inputs) - len(inputs))
    SAMPLES.setdefault(name, []).append(Sample(inputs + absent, attrs, state))


def add(name: str, *inputs, **attrs) -> None:
    add_run(name, *inputs, state={}, **attrs)


# ---- activations, and elementwise functions of one operand
for name in ("relu", "selu", "gelu", "gelu_tanh", "silu", "sigmoid", "tanh", "softplus"):
    add(name, X)
    add(name, numbers(7))
    add(f"{name}_grad", DY, X)
for name in ("exp", "square", "abs", "sign", "copy"):
    add(name, X)
for name in ("sqrt", "log"):
    add(name, positive(3, 5))
for name in ("leaky_relu", "elu"):
    for attrs in ({}, {"alpha": 0.37}):
        add(name, X, **attrs)
        add(f"{name}_grad", DY, X, **attrs)
for attrs in ({}, {"negative_slope": 0.3, "max_value": 1.25, "threshold": -0.55}):
    add("clipped_relu", X, **attrs)
    add("clipped_relu_grad", DY, X, **attrs)
add("affine", X)
add("affine", X, scale=-1.7, shift=0.3)
add("clip", X, low=-0.77, high=1.03)
add("clip_grad", DY, X, low=-0.77, high=1.03)
add("dropout", X, rate=0.4, stream=3)
add_run("dropout", numbers(11), rate=0.25, stream=1, state={"step": 7, "seed": 2**40 + 5})
add("dropout", X, rate=1.0)

# ---- two operands, with every kind of broadcasting
PAIRS = [
    ((3, 4), (3, 4)), ((3, 4), (4,)), ((4,), (3, 4)), ((3, 4), (3, 1)), ((3, 4), ()), ((), (3, 4)),
    ((2, 3, 4), (4,)), ((2, 3, 4), (2, 3, 1)), ((2, 3, 4), (3, 4)), ((2, 1), (1, 3)), ((), ()),
    ((1, 4), (3, 4)), ((2, 3, 4), (1, 1, 1)),
]  # fmt: skip
for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "heaviside"):
    for a, b in PAIRS:
        add(name, numbers(*a), numbers(*b, low=0.35, high=1.9, seed=1))

# ---- matrix products
for ta, tb in ((False, False), (True, False), (False, True)):
    a, b = (4, 3)[:: -1 if ta else 1], (3, 5)[:: -1 if tb else 1]
    add("matmul", numbers(*a), numbers(*b), transpose_a=ta, transpose_b=tb)
    add("linear", numbers(*a), numbers(*b), numbers(5), transpose_a=ta, transpose_b=tb)
add("matmul", numbers(4, 3), numbers(3, 5), precision="high")
add("linear", numbers(4, 3), numbers(3, 5), activation="gelu", precision="high")
add("linear", numbers(4, 3), numbers(3, 5), numbers(5), activation="elu", alpha=0.4, keep=True)
add("linear", numbers(4, 3), numbers(3, 5), None, numbers(4, 5), activation="tanh", keep=True)
add("linear", numbers(4, 3), numbers(3, 5), numbers(5), numbers(4, 5), activation="elu", alpha=0.4)
add("activation_grad_bias", DY)
add("activation_grad_bias", DY, X, activation="silu")
add("activation_grad_bias", DY, X, activation="leaky_relu", alpha=0.3)
add("activation_grad_bias", DY, X, activation="exp")

# ---- shapes
add("reshape", X, shape=(5, -1))
add("reshape", numbers(2, 3, 4), shape=(24,))
add("one_hot", LABELS, depth=3)
add("one_hot", labels(1, 0, 3).reshape(3, 1), depth=4)
add("fill", shape=(2, 3), value=0.7)

# ---- reductions
for axis, keepdims in ((0, False), (1, True), (-1, False)):
    add("reduce_sum", numbers(2, 3, 4), axis=axis, keepdims=keepdims, scale=-1.3)
    add("reduce_max", numbers(2, 3, 4), axis=axis, keepdims=keepdims)
    add("broadcast_axis", numbers(3, 4), axis=axis, size=2, scale=0.6)
add("reduce_sum", numbers(4), axis=0)
add("broadcast_axis", numbers(), axis=0, size=3)
for divisor in (2.5, 0.0):
    add("weighted_sum", numbers(3, 2), divisor=divisor)
    add("weighted_sum", numbers(3, 2), positive(3, 2, seed=1), divisor=divisor)
    add("weighted_sum_grad", numbers(), shape=(3, 2), divisor=divisor)
    add("weighted_sum_grad", numbers(), positive(3, 2), shape=(3, 2), divisor=divisor)
add("l1_l2", X, l1=0.3, l2=0.7)
add("l1_l2", X, l2=0.7)
add("l1_l2_grad", numbers(), X, l1=0.3, l2=0.7)
add("square_sums", numbers(9000))
add("square_sums", X)
add("norm_scale", positive(3), limit=0.5)
add("norm_scale", positive(3), limit=50.0)

# ---- softmax
for axis in (-1, 0, 1):
    for name in ("softmax", "log_softmax"):
        add(name, numbers(2, 3, 4), axis=axis)
        add(f"{name}_grad", numbers(2, 3, 4), numbers(2, 3, 4, seed=1), axis=axis)

# ---- losses
for name in ("mean_squared_error", "half_squared_error", "mean_absolute_error", "log_cosh"):
    add(name, T, P)
    add(name, numbers(2, 3, 2), numbers(2, 3, 2, seed=1) * 1.7)
    add(f"{name}_grad", T, P, ROWS)
for attrs in ({}, {"delta": 0.8}):
    add("huber", T, P, **attrs)
    add("huber_grad", T, P, ROWS, **attrs)
for attrs in ({}, {"epsilon": 0.1}):
    add("poisson", positive(4, 3), positive(4, 3, seed=1), **attrs)
    add("poisson_grad", positive(4, 3), positive(4, 3, seed=1), ROWS, **attrs)
for attrs in ({}, {"epsilon": 0.3}):  # 0.3: some values are clipped
    add("kl_divergence", HALF, HALF[::-1], **attrs)
    add("kl_divergence_grad", HALF, HALF[::-1], ROWS, **attrs)
    add("binary_crossentropy", chances(4, 3), HALF, **attrs)
    add("binary_crossentropy_grad", BITS, HALF, ROWS, **attrs)
    add("categorical_crossentropy", chances(4, 3), positive(4, 3, seed=1), **attrs)
    add("categorical_crossentropy_grad", chances(4, 3), positive(4, 3, seed=1), ROWS, **attrs)
add("hinge", np.sign(T), P)
add("hinge_grad", np.sign(T), P, ROWS)
add("sigmoid_crossentropy", chances(4, 3), P)
add("sigmoid_crossentropy_grad", BITS, P, ROWS)
add("softmax_crossentropy", positive(4, 3), P)
add("softmax_crossentropy_grad", positive(4, 3), chances(4, 3), ROWS)
for attrs in ({}, {"ignore": 1}):
    add("sparse_categorical_crossentropy", LABELS, HALF, **attrs)
    add("sparse_categorical_crossentropy", LABELS, HALF, epsilon=0.3, **attrs)
    add("sparse_categorical_crossentropy_grad", LABELS, HALF, ROWS, **attrs)
    add("sparse_softmax_crossentropy", LABELS, P, **attrs)
    add("sparse_softmax_crossentropy_grad", LABELS, chances(4, 3), ROWS, **attrs)
add("sparse_softmax_crossentropy", labels(0, -1), numbers(2, 4), ignore=-1)

# ---- metrics
add("sparse_categorical_accuracy", LABELS, P)
add("categorical_accuracy", T, P)
add("binary_accuracy", BITS, HALF)
add("binary_accuracy", BITS, HALF, threshold=0.7)
add("sparse_top_k", LABELS, P)
add("sparse_top_k", LABELS, P, k=2)
add("top_k", T, P, k=2)
add("accumulate", numbers(2), ROWS)
add("accumulate", numbers(2), ROWS, positive(4), weight=3.0)
for weights in (None, positive(4)):
    add("accumulate_confusion", positive(4, 2), labels(1, 0, 0, 1).astype(float), positive(4),
        weights, np.array([0.4, 1.1]))  # fmt: skip

# ---- minibatches
DATA = np.arange(24).reshape(6, 2, 2)
ORDER = np.array([4, 0, 5, 1, 2, 3])
for dtype in ("uint8", "int32", "int64", "float32", "float64"):
    add_run("gather", DATA.astype(dtype), ORDER, batch=3, scale=0.25, shift=-1.0, state={"row": 2})
    if dtype[0] != "f":
        add_run("gather", DATA.astype(dtype), None, batch=4, dtype="int32", state={"row": 1})
add_run("scatter_rows", numbers(2, 3), np.zeros((5, 3)), state={"row": 3})

# ---- optimizers: slots of positive numbers (averages of squares are), two steps' worth of scalars
STEP = {"scalars": [0.0, 0.05, 0.02, 1.4, 0.9, 1.8]}
for name, slots, optional, attrs in (
    ("sgd", 0, 1, {"momentum": 0.8}),
    ("sgd", 0, 1, {"momentum": 0.8, "nesterov": True}),
    ("adam", 2, 1, {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}),
    ("rmsprop", 1, 2, {"rho": 0.8, "momentum": 0.6, "epsilon": 4.0}),
    ("adagrad", 1, 0, {"epsilon": 1e-3}),
    ("adadelta", 2, 0, {"rho": 0.8, "epsilon": 1e-3}),
    ("adamax", 2, 0, {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}),
    ("nadam", 2, 0, {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}),
):
    p, g, *rest = (numbers(6, seed=i) for i in range(2 + slots + optional))
    required, extra = [np.abs(s) for s in rest[:slots]], [np.abs(s) for s in rest[slots:]]
    add_run(name, p, g, *required, *[None] * optional, state=STEP, column=1)
    for factor, clip in ((None, 0.0), (np.array([0.6]), 0.0), (None, 0.7)):
        inputs = (p, g, *required, *extra, factor)
        add_run(name, *inputs, state=STEP, column=1, clip=clip, **attrs)
add("check_finite", X, producer=3)
