"""sparse_softmax_crossentropy(labels, logits): softmax_crossentropy for class numbers."""

from __future__ import annotations

import numpy as np

from fastnn.graph.tensor import TensorSpec

from ._labels import check_labels, native_ignore
from ._losses import logits_gradient, row_flops
from ._op import define, not_differentiable
from ._shapes import labelled_rows, rows_grad
from .log_softmax import reference as log_softmax

ATTRS = {"ignore": None}


def _shape(labels, logits, ignore):
    return [labelled_rows(labels, logits), TensorSpec(tuple(logits.shape), logits.dtype)]


def _gradient(node, drows, dprobabilities):
    # None: class numbers are whole.
    return None, logits_gradient(sparse_softmax_crossentropy_grad, node, drows, dprobabilities)


def _reference(labels, logits, ignore):
    counted, labels = check_labels(labels, logits.shape[-1], ignore)
    log_p = log_softmax(logits)
    of_label = np.take_along_axis(log_p, labels[..., None], -1)[..., 0]
    return np.where(counted, -of_label, 0), np.exp(log_p)


def _grad_reference(labels, probabilities, drows, ignore):
    counted, labels = check_labels(labels, probabilities.shape[-1], ignore)
    chosen = labels[..., None] == np.arange(probabilities.shape[-1])
    return np.where(counted[..., None], (probabilities - chosen) * drows[..., None], 0)


sparse_softmax_crossentropy = define(
    "sparse_softmax_crossentropy",
    inputs="labels:int32 logits",
    attrs=ATTRS,
    shape=_shape,
    gradient=_gradient,
    reference=_reference,
    native_attrs=native_ignore,
    flops=row_flops,
    doc="""int32 (...), (..., n) -> (...), (..., n): log(sum e^x) - x[label] over the last axis,
    x the logits; and softmax(x). 0 for the label `ignore`; another label outside [0, n) is an
    error.""",
)

sparse_softmax_crossentropy_grad = define(
    "sparse_softmax_crossentropy_grad",
    inputs="labels:int32 probabilities drows",
    attrs=ATTRS,
    shape=rows_grad,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    native_attrs=native_ignore,
    flops=row_flops,
    doc="d(loss)/d(logits) from softmax(logits), given `drows`: (p - [label]) drows.",
)
