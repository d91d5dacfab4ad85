"""Losses: values against float64 formulas, reductions, weights, shapes, names, errors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from fastnn import losses, ops
from fastnn.graph import Graph
from fastnn.planner import fuse_losses
from tests.evaluate import evaluate, placeholder

RNG = np.random.default_rng(3)
N, C = 7, 4
Y = RNG.normal(size=(N, C)).astype(np.float32)
P = RNG.normal(size=(N, C)).astype(np.float32)
Q = RNG.uniform(0.05, 0.95, size=(N, C)).astype(np.float32)  # chances whose sum is not one
D = RNG.dirichlet(np.ones(C), size=N).astype(np.float32)
BITS = RNG.integers(0, 2, (N, C)).astype(np.float32)
LABELS = RNG.integers(0, C, N)
ONE_HOT = np.eye(C, dtype=np.float32)[LABELS]
WEIGHTS = RNG.uniform(0.1, 2, N).astype(np.float32)
EPS = 1e-7


def huber(e, delta):
    return np.where(np.abs(e) <= delta, e * e / 2, delta * np.abs(e) - delta**2 / 2).mean(axis=-1)


def log_softmax(z):
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def log_chances(p):
    """Chances as the losses see them: divided by their sum."""
    return np.log(p / p.sum(axis=-1, keepdims=True))


def binary(y, p):
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(axis=-1)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def chosen(table):
    return -table[np.arange(N), LABELS]


# name: (loss, targets, predictions, formula of a row in float64)
CASES = {
    "mse": (losses.MeanSquaredError(), Y, P, lambda y, p: ((y - p) ** 2).mean(axis=-1)),
    "half mse": (losses.HalfMeanSquaredError(), Y, P, lambda y, p: ((y - p) ** 2).sum(axis=-1) / 2),
    "mae": (losses.MeanAbsoluteError(), Y, P, lambda y, p: np.abs(y - p).mean(axis=-1)),
    "huber": (losses.Huber(), Y, P, lambda y, p: huber(y - p, 1.0)),
    "huber, delta": (losses.Huber(delta=0.3), Y, P, lambda y, p: huber(y - p, 0.3)),
    "log cosh": (losses.LogCosh(), Y, P, lambda y, p: np.log(np.cosh(y - p)).mean(axis=-1)),
    "kld": (losses.KLDivergence(), D, Q, lambda y, p: (y * np.log(y / p)).sum(axis=-1)),
    "poisson": (
        losses.Poisson(), BITS * 3, Q, lambda y, p: (p - y * np.log(p + EPS)).mean(axis=-1),
    ),
    "hinge": (
        losses.Hinge(), 2 * BITS - 1, P, lambda y, p: np.maximum(1 - y * p, 0).mean(axis=-1),
    ),
    "hinge, bits": (
        losses.Hinge(), BITS, P, lambda y, p: np.maximum(1 - (2 * y - 1) * p, 0).mean(axis=-1),
    ),
    "bce": (losses.BinaryCrossentropy(), BITS, Q, binary),
    "bce, smooth": (
        losses.BinaryCrossentropy(label_smoothing=0.2), BITS, Q,
        lambda y, p: binary(y * 0.8 + 0.1, p),
    ),
    "bce, logits": (
        losses.BinaryCrossentropy(from_logits=True), BITS, P, lambda y, p: binary(y, sigmoid(p)),
    ),
    "cce": (
        losses.CategoricalCrossentropy(), ONE_HOT, Q,
        lambda y, p: -(y * log_chances(p)).sum(axis=-1),
    ),
    "cce, smooth": (
        losses.CategoricalCrossentropy(label_smoothing=0.2), ONE_HOT, Q,
        lambda y, p: -((y * 0.8 + 0.2 / C) * log_chances(p)).sum(axis=-1),
    ),
    "cce, logits": (
        losses.CategoricalCrossentropy(from_logits=True), D, P,
        lambda y, p: -(y * log_softmax(p)).sum(axis=-1),
    ),
    "scce": (
        losses.SparseCategoricalCrossentropy(), LABELS, Q, lambda y, p: chosen(log_chances(p)),
    ),
    "scce, logits": (
        losses.SparseCategoricalCrossentropy(from_logits=True), LABELS, P,
        lambda y, p: chosen(log_softmax(p)),
    ),
}  # fmt: skip
REDUCED = {
    "sum_over_batch_size": lambda rows, w: (rows * w).mean(),
    "mean": lambda rows, w: (rows * w).mean(),
    "sum": lambda rows, w: (rows * w).sum(),
    "mean_with_sample_weight": lambda rows, w: (rows * w).sum() / w.sum(),
    None: lambda rows, w: rows * w,
}


def with_reduction(loss, reduction):
    return type(loss).from_config({**loss.get_config(), "reduction": reduction})


def rows_of(name):
    _, y, p, formula = CASES[name]
    return formula(*(a.astype(np.float64) if a is not LABELS else a for a in (y, p)))


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("reduction", REDUCED)
@pytest.mark.parametrize("name", CASES)
def test_traced_in_float64(name, reduction, weights):
    """A few dozen roundings of float64; the cut at 1e-7 does not touch these values."""
    loss, y, p, _ = CASES[name]
    loss = with_reduction(loss, reduction)
    ty, tp = placeholder(y, loss.target_dtype), placeholder(p)
    tw = None if weights is None else placeholder(weights)
    with Graph() as graph:
        value = loss.emit(ty, tp, tw)
    known = {ty: y if y is LABELS else y.astype(np.float64), tp: p.astype(np.float64)}
    known[tw] = None if weights is None else weights.astype(np.float64)
    got = evaluate(graph, value, known=known)
    w = np.ones(N) if weights is None else weights.astype(np.float64)
    np.testing.assert_allclose(got, REDUCED[reduction](rows_of(name), w), rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_called_on_arrays(name):
    """In float32, natively: 4 ulp for a logarithm, then sums of 7 x 4 terms of one sign or of size
    up to 3: 64 roundings of what is at most 3.
    """
    loss, y, p, _ = CASES[name]
    rows = rows_of(name)
    value = loss(y, p)
    assert type(value) is float
    assert value == pytest.approx(rows.mean(), abs=64 * 3 * 2**-24)
    value = loss(y.tolist(), p.astype(np.float64), WEIGHTS.tolist())
    assert value == pytest.approx((rows * WEIGHTS).mean(), abs=64 * 3 * 2**-24)
    values = with_reduction(loss, None)(y, p)
    assert values.shape == (N,) and values.dtype == np.float32
    np.testing.assert_allclose(values, rows, atol=64 * 3 * 2**-24)


@pytest.mark.parametrize("name", ["mse", "huber, delta", "cce", "scce, logits", "bce, smooth"])
def test_the_function_gives_the_rows(name):
    loss, y, p, _ = CASES[name]
    np.testing.assert_array_equal(loss.fn(y, p, **loss.settings), with_reduction(loss, None)(y, p))


def test_a_column_and_a_vector_fit_each_other():
    y, p = Y[:, 0], P[:, :1]
    expected = ((y - p[:, 0]).astype(np.float64) ** 2).mean()
    for targets in (y, y[:, None]):
        for predictions in (p, p[:, 0]):
            assert losses.MeanSquaredError()(targets, predictions) == pytest.approx(expected)
    assert losses.mean_squared_error(y, p).shape == (N,)
    # targets (2, 3), predictions (2, 3, 1)
    assert losses.mean_squared_error(np.ones((2, 3)), np.zeros((2, 3, 1))).shape == (2,)


def test_class_numbers_of_any_kind():
    loss = losses.SparseCategoricalCrossentropy()
    expected = loss(LABELS, Q)
    for labels in (LABELS[:, None], LABELS.astype(np.uint8), LABELS + 0.7, LABELS.tolist()):
        assert loss(labels, Q) == expected


def test_rows_of_rows_and_their_weights():
    y, p = RNG.normal(size=(2, 3, 5, 4)).astype(np.float32)[0:2]
    w = np.array([1.0, 0.0, 3.0], np.float32)
    rows = ((y - p).astype(np.float64) ** 2).mean(axis=-1)
    for weights in (w, w[:, None]):
        got = losses.MeanSquaredError(reduction="mean_with_sample_weight")(y, p, weights)
        assert got == pytest.approx((rows * w[:, None]).sum() / (w.sum() * 5))


@pytest.mark.parametrize("ignore", [2, -1, 255])
def test_ignored_rows_count_for_nothing(ignore):
    labels = LABELS.copy()
    labels[[1, 4]] = ignore
    keep = labels != ignore
    for from_logits, p, table in ((False, Q, log_chances), (True, P, log_softmax)):
        options = {"from_logits": from_logits, "ignore_class": ignore}
        rows = np.where(keep, -table(p.astype(np.float64))[np.arange(N), labels * keep], 0)
        loss = losses.SparseCategoricalCrossentropy(**options)
        assert loss(labels, p) == pytest.approx(rows.sum() / keep.sum(), rel=64 * 2**-24)
        weighted = (rows * WEIGHTS).sum() / keep.sum()
        assert loss(labels, p, WEIGHTS) == pytest.approx(weighted, rel=64 * 2**-24)
        loss = losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight", **options)
        assert loss(labels, p) == pytest.approx(rows.sum() / keep.sum(), rel=64 * 2**-24)
        weighted = (rows * WEIGHTS).sum() / WEIGHTS[keep].sum()
        assert loss(labels, p, WEIGHTS) == pytest.approx(weighted, rel=64 * 2**-24)
        loss = losses.SparseCategoricalCrossentropy(reduction=None, **options)
        np.testing.assert_allclose(loss(labels, p), rows, rtol=64 * 2**-24)
    assert losses.SparseCategoricalCrossentropy(ignore_class=9)(np.full(N, 9), Q) == 0


PAIRS = [
    ("softmax", "sparse_categorical_crossentropy", "sparse_softmax_crossentropy"),
    ("softmax", "categorical_crossentropy", "softmax_crossentropy"),
    ("sigmoid", "binary_crossentropy", "sigmoid_crossentropy"),
]


@pytest.mark.parametrize(("activation", "name", "fused"), PAIRS)
def test_after_its_activation_a_crossentropy_sees_the_logits(activation, name, fused):
    """Scores 100 apart: from chances the loss would stop at -log(1e-7) = 16.1."""
    z = np.array([[0.0, 100.0]], np.float32)
    loss = losses.resolve(name)
    y = {"int32": np.array([0])}.get(loss.target_dtype, np.array([[1.0, 0.0]]))
    tz, ty = placeholder(z), placeholder(y, loss.target_dtype)
    with Graph() as graph:
        value = loss.emit(ty, getattr(ops, activation)(tz))
    value = fuse_losses(graph)(value)
    assert fused in {n.op.name for n in graph.nodes}
    got = evaluate(graph, value, known={tz: z.astype(np.float64), ty: y})
    expected = 100.0 if activation == "softmax" else (np.log(2) + 100) / 2
    assert got == pytest.approx(expected)


def test_from_logits_after_a_softmax_warns_and_takes_the_logits():
    tp, ty = placeholder(P), placeholder(LABELS, "int32")
    with Graph() as graph, pytest.warns(UserWarning, match="softmax"):
        value = losses.SparseCategoricalCrossentropy(from_logits=True).emit(ty, ops.softmax(tp))
    got = evaluate(graph, value, known={tp: P.astype(np.float64), ty: LABELS})
    assert got == pytest.approx(chosen(log_softmax(P.astype(np.float64))).mean())
    with warnings.catch_warnings(), Graph():
        warnings.simplefilter("error")
        losses.SparseCategoricalCrossentropy(from_logits=True).emit(ty, tp)


def test_names():
    assert losses.get("mse") is losses.get("MSE") is losses.get("mean_squared_error")
    assert losses.get("mae") is losses.mae and losses.get("KLD") is losses.kl_divergence
    assert losses.get("poisson") is losses.poisson and losses.get("hinge") is losses.hinge
    assert type(losses.get("MeanSquaredError")) is losses.MeanSquaredError
    assert losses.get(losses.Huber).name == "huber_loss" and losses.get(None) is None
    assert type(losses.resolve("bce")) is losses.BinaryCrossentropy
    assert type(losses.resolve(losses.log_cosh)) is losses.LogCosh
    assert losses.resolve("sparse_categorical_crossentropy").target_dtype == "int32"
    assert losses.resolve("categorical_crossentropy").target_dtype == "float32"
    huber = losses.Huber(delta=3.0)
    assert losses.resolve(huber) is huber


@pytest.mark.parametrize("name", CASES)
def test_a_config_makes_the_same_loss(name):
    loss, y, p, _ = CASES[name]
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
    assert again(y, p) == loss(y, p)


def test_a_function_written_in_ops_is_a_loss():
    def cubed(y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred) * ops.square(y_true - y_pred), axis=-1)

    loss = losses.resolve(cubed)
    assert loss.name == "cubed"
    ty, tp = placeholder(Y), placeholder(P)
    with Graph() as graph:
        value = loss.emit(ty, tp)
    got = evaluate(graph, value, known={ty: Y.astype(np.float64), tp: P.astype(np.float64)})
    assert got == pytest.approx((np.abs(Y.astype(np.float64) - P) ** 3).mean())
    with pytest.raises(ValueError, match="function of your own"):
        losses.serialize(loss)


def test_a_subclass_is_a_loss():
    class Signed(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(y_true - y_pred, axis=-1)

    assert Signed().name == "signed"
    ty, tp = placeholder(Y), placeholder(P)
    with Graph() as graph:
        value = Signed(reduction="sum").emit(ty, tp)
    got = evaluate(graph, value, known={ty: Y.astype(np.float64), tp: P.astype(np.float64)})
    assert got == pytest.approx((Y.astype(np.float64) - P).mean(axis=1).sum())


WRONG = [
    (lambda: losses.get("Mse"), ValueError, "'Mse'"),
    (lambda: losses.get(3), ValueError, "3"),
    (lambda: losses.resolve(None), ValueError, "No loss"),
    (lambda: losses.get({"class_name": "eval", "config": {}}), ValueError, "eval"),
    (lambda: losses.MeanSquaredError(reduction="average"), ValueError, "'average'"),
    (lambda: losses.MeanSquaredError(dtype="float16"), ValueError, "float16"),
    (lambda: losses.MeanSquaredError(delta=1), TypeError, "delta"),
    (lambda: losses.Huber(delta=-1), ValueError, "delta"),
    (lambda: losses.CategoricalCrossentropy(label_smoothing=2), ValueError, "label_smoothing"),
    (lambda: losses.BinaryCrossentropy(label_smoothing="a"), ValueError, "label_smoothing"),
    (lambda: losses.CategoricalCrossentropy(axis=0)(ONE_HOT, Q), ValueError, "axis"),
    (lambda: losses.SparseCategoricalCrossentropy(axis=0)(LABELS, Q), ValueError, "axis"),
    (lambda: losses.mse(Y, P[:, :2]), ValueError, r"\(7, 4\).*\(7, 2\)"),
    (lambda: losses.mse(Y[:5], P), ValueError, r"\(5, 4\).*\(7, 4\)"),
    (lambda: losses.mse(Y[:, :1], P), ValueError, r"\(7, 1\).*\(7, 4\)"),
    (lambda: losses.categorical_crossentropy(LABELS, Q), ValueError, r"\(7,\).*\(7, 4\)"),
    (lambda: losses.sparse_categorical_crossentropy(ONE_HOT, Q), ValueError, "categorical_cross"),
    (lambda: losses.sparse_categorical_crossentropy(LABELS, Q[:, 0]), ValueError, r"\(7,\)"),
    (lambda: losses.sparse_categorical_crossentropy([4] * N, Q), ValueError, "4"),
    (lambda: losses.sparse_categorical_crossentropy([-1] * N, Q), ValueError, "-1"),
    (lambda: losses.sparse_categorical_crossentropy([np.nan] * N, Q), ValueError, "nan"),
    (lambda: losses.sparse_categorical_crossentropy([2**32] * N, Q), ValueError, "2\\*\\*31"),
    (lambda: losses.MeanSquaredError()(Y, P, WEIGHTS[:3]), ValueError, "sample_weight"),
    (lambda: losses.MeanSquaredError()(Y, P, Y), ValueError, "sample_weight"),
    (lambda: losses.Loss()(Y, P), NotImplementedError, "call"),
]


@pytest.mark.parametrize(("make", "error", "message"), WRONG)
def test_wrong_use_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
