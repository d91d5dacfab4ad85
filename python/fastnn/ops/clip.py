"""clip(x, low, high): x held between two numbers."""

from __future__ import annotations

import numpy as np

from ._op import REQUIRED, define, not_differentiable
from ._shapes import same

ATTRS = {"low": REQUIRED, "high": REQUIRED}


def _shape(x, *others, low, high):
    if not low <= high:
        raise ValueError(f"low must not be above high, {low} and {high} came.")
    return same(x, *others)


def _grad_reference(dy, x, low, high):
    # The limits as they are in x's own precision: a float32 x cut at 0.1 equals float32(0.1).
    low, high = x.dtype.type(low), x.dtype.type(high)
    return np.where(np.isnan(x), x, np.where((x >= low) & (x <= high), dy, 0))


clip = define(
    "clip",
    attrs=ATTRS,
    shape=_shape,
    gradient=lambda node, dy: (clip_grad(dy, node.inputs[0], **node.attrs),),
    reference=lambda x, low, high: np.clip(x, low, high),
    doc="min(max(x, low), high), elementwise; NaN stays NaN. The gradient passes at the limits.",
)

clip_grad = define(
    "clip_grad",
    inputs="dy x",
    attrs=ATTRS,
    shape=_shape,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    doc="dy where low <= x <= high, else 0.",
)
