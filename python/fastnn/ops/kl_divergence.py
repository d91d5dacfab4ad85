"""kl_divergence(target, prediction): the divergence of Kullback & Leibler (1951)."""

from __future__ import annotations

import numpy as np

from ._losses import row_flops, spread
from ._op import define, not_differentiable
from ._shapes import rows, rows_grad
from .affine import affine
from .clip import clip, clip_grad
from .divide import divide
from .log import log
from .multiply import multiply

ATTRS = {"epsilon": 1e-7}


def _gradient(node, drows):
    target, prediction = node.inputs
    epsilon = node.attrs["epsilon"]
    t, p = clip(target, epsilon, 1.0), clip(prediction, epsilon, 1.0)
    dt = multiply(affine(log(divide(t, p)), shift=1.0), spread(drows, target, 1.0))
    return (
        clip_grad(dt, target, epsilon, 1.0),
        kl_divergence_grad(target, prediction, drows, **node.attrs),
    )


def _reference(target, prediction, epsilon):
    t, p = np.clip(target, epsilon, 1), np.clip(prediction, epsilon, 1)
    return np.sum(t * np.log(t / p), axis=-1)


def _grad_reference(target, prediction, drows, epsilon):
    t, p = np.clip(target, epsilon, 1), np.clip(prediction, epsilon, 1)
    outside = (prediction != p) & ~np.isnan(target + prediction)
    return np.where(outside, 0, -t / p) * drows[..., None]


kl_divergence = define(
    "kl_divergence",
    inputs="target prediction",
    attrs=ATTRS,
    shape=rows,
    gradient=_gradient,
    reference=_reference,
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...): the sum of t log(t / p) over the last axis, both clipped to
    [epsilon, 1] first, as in Keras.""",
)

kl_divergence_grad = define(
    "kl_divergence_grad",
    inputs="target prediction drows",
    attrs=ATTRS,
    shape=rows_grad,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    flops=row_flops,
    doc="d(loss)/d(prediction), given `drows`; 0 where the prediction was clipped.",
)
