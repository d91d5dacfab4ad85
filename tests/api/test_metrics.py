"""Metrics: over several minibatches, with weights, against float64 formulas; names, errors."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import losses, metrics, ops
from fastnn.graph import Graph, Storage
from tests.evaluate import placeholder

RNG = np.random.default_rng(5)
N, C = 23, 4
CUTS = [0, 9, 10, 23]
Y = RNG.normal(size=(N, C)).astype(np.float32)
P = RNG.normal(size=(N, C)).astype(np.float32)
Q = (np.round(RNG.uniform(0, 1, size=(N, C)) * 8) / 8).astype(np.float32)  # ties, and exactly 0.5
LABELS = RNG.integers(0, C, N)
ONE_HOT = np.eye(C, dtype=np.float32)[LABELS]
BITS = RNG.integers(0, 2, (N, C)).astype(np.float32)
WEIGHTS = RNG.uniform(0, 2, N).astype(np.float32)


def rank_of_label(scores):
    """How many scores are larger than the label's."""
    return (scores > scores[np.arange(N), LABELS][:, None]).sum(axis=1)


def binary(y, p):
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(axis=1)


def log_softmax(z):
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


# name: (metric, targets, predictions, a value a row)
MEANS = {
    "accuracy": (
        metrics.Accuracy(), BITS, np.round(Q), lambda y, p: (y == p).mean(axis=1),
    ),
    "binary": (
        metrics.BinaryAccuracy(), BITS, Q, lambda y, p: (y == (p > 0.5)).mean(axis=1),
    ),
    "binary, threshold": (
        metrics.BinaryAccuracy(threshold=0.25), BITS, Q,
        lambda y, p: (y == (p > 0.25)).mean(axis=1),
    ),
    "categorical": (
        metrics.CategoricalAccuracy(), ONE_HOT, Q, lambda y, p: p.argmax(axis=1) == LABELS,
    ),
    "sparse": (
        metrics.SparseCategoricalAccuracy(), LABELS, Q, lambda y, p: p.argmax(axis=1) == LABELS,
    ),
    "top k": (
        metrics.TopKCategoricalAccuracy(k=2), ONE_HOT, Q, lambda y, p: rank_of_label(p) < 2,
    ),
    "sparse top k": (
        metrics.SparseTopKCategoricalAccuracy(k=3), LABELS, Q, lambda y, p: rank_of_label(p) < 3,
    ),
    "mse": (metrics.MeanSquaredError(), Y, P, lambda y, p: ((y - p) ** 2).mean(axis=1)),
    "mae": (metrics.MeanAbsoluteError(), Y, P, lambda y, p: np.abs(y - p).mean(axis=1)),
    "log cosh": (metrics.LogCoshError(), Y, P, lambda y, p: np.log(np.cosh(y - p)).mean(axis=1)),
    "kld": (
        metrics.KLDivergence(), BITS, Q,
        lambda y, p: (np.clip(y, 1e-7, 1) * np.log(np.clip(y, 1e-7, 1) / np.clip(p, 1e-7, 1)))
        .sum(axis=1),
    ),
    "poisson": (
        metrics.Poisson(), BITS, Q, lambda y, p: (p - y * np.log(p + 1e-7)).mean(axis=1),
    ),
    "hinge": (
        metrics.Hinge(), 2 * BITS - 1, P, lambda y, p: np.maximum(1 - y * p, 0).mean(axis=1),
    ),
    "bce": (
        metrics.BinaryCrossentropy(from_logits=True, label_smoothing=0.2), BITS, P,
        lambda y, p: binary(y * 0.8 + 0.1, 1 / (1 + np.exp(-p))),
    ),
    "cce": (
        metrics.CategoricalCrossentropy(from_logits=True), ONE_HOT, P,
        lambda y, p: -(y * log_softmax(p)).sum(axis=1),
    ),
    "scce": (
        metrics.SparseCategoricalCrossentropy(from_logits=True), LABELS, P,
        lambda y, p: -log_softmax(p)[np.arange(N), LABELS],
    ),
}  # fmt: skip


def over_batches(metric, y, p, weights=None):
    metric.reset_state()
    for begin, end in zip(CUTS, CUTS[1:], strict=False):
        part = None if weights is None else weights[begin:end]
        metric.update_state(y[begin:end], p[begin:end], part)
    return metric.result()


@pytest.mark.parametrize("name", MEANS)
def test_means_over_minibatches(name):
    """Rows are float32 (at most 64 roundings of at most 16), their sums float64."""
    metric, y, p, formula = MEANS[name]
    rows = formula(y.astype(np.float64), p.astype(np.float64))
    scale = 64 * 2**-24 * max(1, np.abs(rows).max())
    assert over_batches(metric, y, p) == pytest.approx(rows.mean(), abs=scale)
    expected = (rows * WEIGHTS).sum() / WEIGHTS.sum(dtype=np.float64)
    assert over_batches(metric, y, p, WEIGHTS) == pytest.approx(expected, abs=scale)
    metric.reset_state()
    assert metric.result() == 0


def test_root_mean_squared_error_is_the_root_of_the_whole_mean():
    expected = np.sqrt(((Y - P).astype(np.float64) ** 2).mean())
    assert over_batches(metrics.RootMeanSquaredError(), Y, P) == pytest.approx(expected, rel=1e-6)


def test_sum_and_mean_of_values():
    mean, total = metrics.Mean(), metrics.Sum()
    for metric in (mean, total):
        metric.update_state([1.0, 3.0, 5.0, 7.0], sample_weight=[1, 1, 0, 0])
        metric.update_state(6.0)
    assert (mean.result(), total.result()) == (10 / 3, 10)
    assert metrics.Mean()([[1.0, 3.0], [5.0, 7.0]]) == 4


def counts_at(thresholds, y, p, w):
    """tp, fp, tn, fn by looking at every element."""
    w = np.broadcast_to(w[:, None], y.shape)
    above = p[None] > np.asarray(thresholds, np.float32)[:, None, None]
    return [
        np.where(chosen, w, 0.0).sum(axis=(1, 2))
        for chosen in (above & (y > 0), above & (y == 0), ~above & (y == 0), ~above & (y > 0))
    ]


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("thresholds", [None, 0.25, [0.0, 0.5, 0.75, 1.0]])
def test_counts_precision_and_recall(thresholds, weights):
    listed = thresholds if isinstance(thresholds, list) else [thresholds or 0.5]
    w = np.ones(N) if weights is None else weights.astype(np.float64)
    tp, fp, tn, fn = counts_at(listed, BITS, Q, w)
    with np.errstate(invalid="ignore"):
        expected = {
            metrics.TruePositives: tp,
            metrics.FalsePositives: fp,
            metrics.TrueNegatives: tn,
            metrics.FalseNegatives: fn,
            metrics.Precision: np.nan_to_num(tp / (tp + fp)),
            metrics.Recall: np.nan_to_num(tp / (tp + fn)),
        }
    for cls, values in expected.items():
        got = over_batches(cls(thresholds=thresholds), BITS, Q, weights)
        assert np.shape(got) == ((len(listed),) if isinstance(thresholds, list) else ())
        np.testing.assert_allclose(got, values if np.ndim(got) else values[0], rtol=1e-12)


def area(curve, method, thresholds, y, p, w):
    """The area under the curve by its definition, one trapezoid or rectangle after another."""
    tp, fp, tn, fn = counts_at(thresholds, y, p, w)

    def share(a, b):
        return a / b if b else 0.0

    points = []
    for k in range(len(thresholds)):
        recall = share(tp[k], tp[k] + fn[k])
        fall_out, precision = share(fp[k], fp[k] + tn[k]), share(tp[k], tp[k] + fp[k])
        points.append((fall_out, recall) if curve == "ROC" else (recall, precision))
    pick = {"interpolation": lambda a, b: (a + b) / 2, "minoring": min, "majoring": max}[method]
    pairs = zip(points, points[1:], strict=False)
    return sum((x0 - x1) * pick(y0, y1) for (x0, y0), (x1, y1) in pairs)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("curve", "method"),
    [
        ("ROC", "interpolation"),
        ("ROC", "minoring"),
        ("ROC", "majoring"),
        ("PR", "minoring"),
        ("PR", "majoring"),
    ],
)
def test_auc(curve, method, weights):
    w = np.ones(N) if weights is None else weights.astype(np.float64)
    metric = metrics.AUC(num_thresholds=11, curve=curve, summation_method=method)
    thresholds = [-1e-7, *np.arange(1, 10) / 10, 1 + 1e-7]
    expected = area(curve, method, thresholds, BITS, Q, w)
    assert over_batches(metric, BITS, Q, weights) == pytest.approx(expected, rel=1e-12)


def test_auc_of_a_precision_recall_curve_integrates_the_precision():
    """Between thresholds true positives grow linearly with all positives: a numeric integral."""
    metric = metrics.AUC(num_thresholds=11, curve="PR")
    tp, fp, tn, fn = counts_at([-1e-7, *np.arange(1, 10) / 10, 1 + 1e-7], BITS, Q, np.ones(N))
    expected = 0.0
    for k in range(10):
        s = (np.arange(20000) + 0.5) / 20000
        true = tp[k + 1] + s * (tp[k] - tp[k + 1])
        every = true + fp[k + 1] + s * (fp[k] - fp[k + 1])
        with np.errstate(invalid="ignore"):
            precision = np.nan_to_num(true / every)
        expected += precision.mean() * (tp[k] - tp[k + 1]) / (tp[k] + fn[k])
    # the midpoint rule, where the first part's precision is constant
    assert over_batches(metric, BITS, Q) == pytest.approx(expected, rel=1e-6)


def test_auc_thresholds_and_logits():
    given = metrics.AUC(thresholds=[0.5, 0.25])
    expected = area("ROC", "interpolation", [-1e-7, 0.25, 0.5, 1 + 1e-7], BITS, Q, np.ones(N))
    assert over_batches(given, BITS, Q) == pytest.approx(expected, rel=1e-12)
    logits = np.log(np.clip(Q, 0.01, 0.99) / (1 - np.clip(Q, 0.01, 0.99)))
    by_logits = over_batches(metrics.AUC(num_thresholds=10, from_logits=True), BITS, logits)
    by_chances = over_batches(metrics.AUC(num_thresholds=10), BITS, np.clip(Q, 0.01, 0.99))
    assert by_logits == pytest.approx(by_chances, rel=1e-12)
    assert metrics.AUC()(BITS, BITS) == 1 and metrics.AUC()(1 - BITS, BITS) == 0


@pytest.mark.parametrize("name", [*MEANS, "precision", "auc"])
def test_traced_effects_write_the_state(name):
    """The nodes end in one effect on the metric's own variable, laid out among others."""
    metric, y, p, _ = MEANS.get(name, (None, BITS, Q, None))
    metric = metric or metrics.get(name.upper() if name == "auc" else name)
    Storage("state", [*metrics.Mean().variables, *metric.variables])
    with Graph() as graph:
        metric.emit(placeholder(y, metric.target_dtype), placeholder(p))
    (effect,) = [n for n in graph.nodes if n.op.effect]
    assert effect.inputs[0] is metric.variables[0]
    assert metric.variables[0].dtype == "float64" and metric.variables[0].offset == 64
    over_batches(metric, y, p)  # arrays go to the same place
    assert metric.variables[0].value.any()


@pytest.mark.parametrize(
    ("y_shape", "p_shape", "name"),
    [
        ((8,), (8, 1), "binary_accuracy"),
        ((8, 1), (8, 1), "binary_accuracy"),
        ((8,), (8, 5), "sparse_categorical_accuracy"),
        ((8, 1), (8, 5), "sparse_categorical_accuracy"),
        ((8, 5), (8, 5), "categorical_accuracy"),
        ((8, 3), (8, 3, 5), "sparse_categorical_accuracy"),
    ],
)
def test_accuracy_is_resolved_by_shape(y_shape, p_shape, name):
    assert metrics.resolve_accuracy(y_shape, p_shape) == name
    for given in ("accuracy", "acc", "Accuracy"):
        metric = metrics.resolve(given, y_shape, p_shape)
        assert type(metric) is type(metrics.get(name)) and metric.name == given
    crossentropy = metrics.resolve("crossentropy", y_shape, p_shape)
    assert type(crossentropy) is type(metrics.get(name.replace("accuracy", "crossentropy")))


def test_resolve():
    assert metrics.resolve("mse", (1,), (1, 1)).name == "mse"
    assert metrics.resolve("AUC", (1,), (1, 1)).name == "AUC"
    assert metrics.resolve(metrics.MeanSquaredError, (1,), (1, 1)).name == "mean_squared_error"
    auc = metrics.AUC(name="mine")
    assert metrics.resolve(auc, (1,), (1, 1)) is auc
    sparse = metrics.resolve(losses.sparse_categorical_crossentropy, (1,), (1, 5))
    assert (sparse.target_dtype, sparse.name) == ("int32", "sparse_categorical_crossentropy")

    def gap(y_true, y_pred):
        return ops.mean(y_pred - y_true, axis=-1)

    mine = metrics.resolve(gap, (1,), (1, 5))
    assert (mine.target_dtype, mine.name) == ("float32", "gap")
    with Graph() as graph:
        mine.emit(placeholder(Y), placeholder(P))
    assert graph.nodes[-1].op.name == "accumulate"
    for good in ("acc", "ce", "mse", gap, auc):
        metrics.check(good)


def test_functions_give_a_value_a_row():
    np.testing.assert_array_equal(
        metrics.sparse_categorical_accuracy(LABELS, Q), Q.argmax(axis=1) == LABELS
    )
    assert metrics.top_k_categorical_accuracy(ONE_HOT, Q, k=C).tolist() == [1] * N
    assert metrics.binary_accuracy(BITS[:, 0], Q[:, :1]).shape == (N,)


CONFIGURED = [m for m, *_ in MEANS.values()] + [
    metrics.Mean(),
    metrics.Sum("total"),
    metrics.RootMeanSquaredError(),
    metrics.Precision(thresholds=[0.1, 0.9]),
    metrics.Recall(0.3),
    metrics.AUC(20, "PR", "minoring"),
    metrics.AUC(thresholds=[0.2, 0.7], from_logits=True),
]


@pytest.mark.parametrize("metric", CONFIGURED, ids=lambda m: type(m).__name__)
def test_a_config_makes_the_same_metric(metric):
    again = metrics.deserialize(metrics.serialize(metric))
    assert type(again) is type(metric) and again.get_config() == metric.get_config()


WRONG = [
    (lambda: metrics.get("accuracies"), ValueError, "'accuracies'"),
    (lambda: metrics.check("f17"), ValueError, "'f17'"),
    (lambda: metrics.check(5), ValueError, "5"),
    (lambda: metrics.resolve(None, (1,), (1, 1)), ValueError, "None"),
    (lambda: metrics.Mean(dtype="float16"), ValueError, "float16"),
    (lambda: metrics.Mean(axis=1), TypeError, "axis"),
    (lambda: metrics.BinaryAccuracy(threshold=2), ValueError, "threshold"),
    (lambda: metrics.TopKCategoricalAccuracy(k=0), ValueError, "k=0"),
    (lambda: metrics.SparseTopKCategoricalAccuracy(from_sorted_ids=True), ValueError, "sorted"),
    (lambda: metrics.Precision(thresholds=1.5), ValueError, "thresholds"),
    (lambda: metrics.Precision(thresholds=[0.5, None]), ValueError, "thresholds"),
    (lambda: metrics.Precision(top_k=2), ValueError, "top_k"),
    (lambda: metrics.Recall(class_id=0), ValueError, "class_id"),
    (lambda: metrics.AUC(num_thresholds=1), ValueError, "num_thresholds"),
    (lambda: metrics.AUC(curve="PRGAIN"), ValueError, "PRGAIN"),
    (lambda: metrics.AUC(summation_method="simpson"), ValueError, "simpson"),
    (lambda: metrics.AUC(multi_label=True), ValueError, "multi_label"),
    (lambda: metrics.AUC(thresholds=[2.0]), ValueError, "thresholds"),
    (lambda: metrics.AUC()(BITS, Q[:3]), ValueError, r"\(23, 4\).*\(3, 4\)"),
    (lambda: metrics.SparseCategoricalAccuracy()(ONE_HOT, Q), ValueError, "categorical_accuracy"),
    (lambda: metrics.MeanSquaredError()(Y, P, WEIGHTS[:2]), ValueError, "sample_weight"),
    (lambda: metrics.Metric()(Y, P), NotImplementedError, "emit"),
    (lambda: metrics.serialize(metrics.MeanMetricWrapper(len)), ValueError, "of your own"),
]


@pytest.mark.parametrize(("make", "error", "message"), WRONG)
def test_wrong_use_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
