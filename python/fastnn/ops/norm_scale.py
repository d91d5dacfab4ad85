"""norm_scale(sums, limit): the factor that brings a gradient's norm down to a limit."""

from __future__ import annotations

import numpy as np

from fastnn.graph.tensor import TensorSpec

from ._op import REQUIRED, define, not_differentiable


def _shape(sums, limit):
    if not limit > 0:
        raise ValueError(f"limit must be positive, {limit} came.")
    return TensorSpec((1,), sums.dtype)


def _reference(sums, limit):
    norm = np.sqrt(np.sum(sums, keepdims=True))
    return np.where(np.isfinite(norm), limit / np.maximum(norm, limit), np.nan).astype(sums.dtype)


norm_scale = define(
    "norm_scale",
    inputs="sums",
    attrs={"limit": REQUIRED},
    shape=_shape,
    gradient=not_differentiable("it scales gradients, after they are made"),
    reference=_reference,
    doc="""(blocks,) -> (1,): min(1, limit / norm) where norm^2 is the total of `sums`, from
    square_sums. NaN when the norm is not finite, as Keras' global_clipnorm.""",
)
