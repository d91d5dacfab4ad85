"""The Kullback-Leibler divergence."""

from __future__ import annotations

from fastnn import ops

from .loss import LossFunctionWrapper
from .registry import add
from .shapes import align

EPSILON = 1e-7


def kl_divergence(y_true, y_pred):
    """sum(y_true * log(y_true / y_pred)) along the last axis, both first cut to [1e-7, 1]."""
    return ops.kl_divergence(*align("kl_divergence", y_true, y_pred), epsilon=EPSILON)


class KLDivergence(LossFunctionWrapper):
    """sum(y_true * log(y_true / y_pred)) of a row, the mean over rows."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "kl_divergence", dtype=None
    ):
        super().__init__(kl_divergence, reduction, name, dtype)


add(kl_divergence, KLDivergence, "kld", "KLD")
