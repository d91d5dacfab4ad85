"""Metrics over three minibatches of different sizes, with and without sample weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.keras_parity.value_cases import (
    BITS,
    CHANCES,
    COUNTS,
    GUESSES,
    LABELS,
    NUMBERS,
    ONE_HOT,
    SCORES,
    SIGNS,
    WEIGHTS,
    Table,
)

CUTS = [(0, 9), (9, 17), (17, 24)]

TIED = np.round(CHANCES * 4) / 4  # many equal scores, and many of exactly 0.5


def over_batches(
    make: Callable[[Any], Any], y: np.ndarray, p: np.ndarray, weights: np.ndarray | None
) -> Callable[[Any], Any]:
    def compute(k: Any) -> Any:
        metric = make(k)
        results = []
        for start, stop in CUTS:
            part = None if weights is None else weights[start:stop]
            metric.update_state(y[start:stop], p[start:stop], sample_weight=part)
            results.append(np.array(metric.result()))
        metric.reset_state()
        metric.update_state(y[:5], p[:5])
        return np.stack([*results, np.array(metric.result())])

    return compute


def metrics_of(name: str, y: np.ndarray, p: np.ndarray, label: str = "", **options: Any) -> Table:
    return {
        f"{name}{label}{suffix}": over_batches(
            lambda k: getattr(k.metrics, name)(**options), y, p, weights
        )
        for suffix, weights in (("", None), ("/weighted", WEIGHTS))
    }


def auc(label: str, **options: Any) -> Table:
    return metrics_of("AUC", BITS[:, :1], CHANCES[:, :1], label, **options)


METRICS: Table = {
    **metrics_of("Accuracy", LABELS[:, None], COUNTS[:, :1]),
    **metrics_of("BinaryAccuracy", BITS, TIED),
    **metrics_of("BinaryAccuracy", BITS, CHANCES, "_threshold", threshold=0.25),
    **metrics_of("CategoricalAccuracy", ONE_HOT, TIED),
    **metrics_of("SparseCategoricalAccuracy", LABELS, TIED),
    **metrics_of("SparseCategoricalAccuracy", LABELS[:, None], SCORES, "_column"),
    **metrics_of("TopKCategoricalAccuracy", ONE_HOT, TIED, k=2),
    **metrics_of("TopKCategoricalAccuracy", ONE_HOT, SCORES, "_default"),
    **metrics_of("SparseTopKCategoricalAccuracy", LABELS, TIED, k=3),
    **metrics_of("SparseTopKCategoricalAccuracy", LABELS, SCORES, "_1", k=1),
    **metrics_of("MeanSquaredError", NUMBERS, GUESSES),
    **metrics_of("RootMeanSquaredError", NUMBERS, GUESSES),
    **metrics_of("MeanAbsoluteError", NUMBERS, GUESSES),
    **metrics_of("LogCoshError", NUMBERS, GUESSES),
    **metrics_of("KLDivergence", CHANCES[::-1], CHANCES),
    **metrics_of("Poisson", COUNTS, CHANCES),
    **metrics_of("Hinge", SIGNS, SCORES),
    **metrics_of("BinaryCrossentropy", BITS, CHANCES, label_smoothing=0.1),
    **metrics_of("BinaryCrossentropy", BITS, SCORES, "_logits", from_logits=True),
    **metrics_of("CategoricalCrossentropy", ONE_HOT, CHANCES),
    **metrics_of("SparseCategoricalCrossentropy", LABELS, SCORES, from_logits=True),
    **metrics_of("Precision", BITS, TIED),
    **metrics_of("Precision", BITS, CHANCES, "_thresholds", thresholds=[0.2, 0.5, 0.9]),
    **metrics_of("Recall", BITS, TIED),
    **metrics_of("Recall", BITS, CHANCES, "_thresholds", thresholds=[0.2, 0.5, 0.9]),
    **metrics_of("Recall", 0 * BITS, CHANCES, "_of_nothing"),
    **metrics_of("TruePositives", BITS, CHANCES),
    **metrics_of("FalsePositives", BITS, CHANCES, thresholds=[0.1, 0.7]),
    **metrics_of("TrueNegatives", BITS, CHANCES, thresholds=0.3),
    **metrics_of("FalseNegatives", BITS, CHANCES),
    **auc(""),
    **auc("_7", num_thresholds=7),
    **auc("_minoring", num_thresholds=11, summation_method="minoring"),
    **auc("_majoring", num_thresholds=11, summation_method="majoring"),
    **auc("_pr", num_thresholds=21, curve="PR"),
    **auc("_pr_minoring", num_thresholds=21, curve="PR", summation_method="minoring"),
    **auc("_pr_majoring", num_thresholds=21, curve="PR", summation_method="majoring"),
    **auc("_thresholds", thresholds=[0.3, 0.1, 0.8]),
    **metrics_of("AUC", BITS, SCORES, "_logits", from_logits=True),
    **metrics_of("AUC", BITS, TIED, "_ties", num_thresholds=5),
}


def reduced(name: str) -> Callable[[Any], Any]:
    def compute(k: Any) -> Any:
        metric = getattr(k.metrics, name)()
        results = []
        for values, weights in (
            (NUMBERS[:, 0], None),
            (NUMBERS[:7, 1], WEIGHTS[:7]),
            (NUMBERS[:6], WEIGHTS[:6]),
            (NUMBERS[0, 0], None),
        ):
            metric.update_state(values, sample_weight=weights)
            results.append(float(metric.result()))
        return results

    return compute


METRICS |= {name: reduced(name) for name in ("Mean", "Sum")}
