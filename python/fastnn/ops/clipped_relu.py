"""clipped_relu(x): relu with a slope on the left, an upper limit and a threshold (Keras' ReLU)."""

from __future__ import annotations

import numpy as np

from ._op import define, not_differentiable
from ._shapes import same

ATTRS = {"negative_slope": 0.0, "max_value": None, "threshold": 0.0}


def _limit(max_value):
    return np.inf if max_value is None else max_value


def _native(node):
    return {**node.attrs, "max_value": _limit(node.attrs["max_value"])}


def _reference(x, negative_slope, max_value, threshold):
    left = negative_slope * (x - threshold)
    return np.where(x > threshold, np.minimum(x, _limit(max_value)), left)


def _grad_reference(dy, x, negative_slope, max_value, threshold):
    right = np.where(x <= _limit(max_value), dy, 0)
    return np.where(np.isnan(x), x, np.where(x > threshold, right, negative_slope * dy))


clipped_relu = define(
    "clipped_relu",
    attrs=ATTRS,
    shape=same,
    gradient=lambda node, dy: (clipped_relu_grad(dy, node.inputs[0], **node.attrs),),
    reference=_reference,
    native_attrs=_native,
    doc="""min(x, max_value) where x > threshold, else negative_slope (x - threshold), elementwise.
    `max_value=None`: no limit. (keras.activations.relu)""",
)

clipped_relu_grad = define(
    "clipped_relu_grad",
    inputs="dy x",
    attrs=ATTRS,
    shape=same,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    native_attrs=_native,
    doc="dy times the slope at x: negative_slope up to the threshold, 1 up to max_value, then 0.",
)
