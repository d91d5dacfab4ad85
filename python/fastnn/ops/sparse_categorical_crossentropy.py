"""sparse_categorical_crossentropy(labels, prediction): from probabilities, with class numbers."""

from __future__ import annotations

import numpy as np

from ._labels import check_labels, native_ignore
from ._losses import row_flops
from ._op import define, not_differentiable
from ._shapes import labelled_rows, rows_grad

ATTRS = {"epsilon": 1e-7, "ignore": None}


def _reference(labels, prediction, epsilon, ignore):
    counted, labels = check_labels(labels, prediction.shape[-1], ignore)
    q = np.clip(prediction, epsilon, 1 - epsilon)
    of_label = np.take_along_axis(q, labels[..., None], -1)[..., 0]
    return np.where(counted, np.log(np.sum(q, axis=-1)) - np.log(of_label), 0)


def _grad_reference(labels, prediction, drows, epsilon, ignore):
    """dp = 1 / sum(q) - [label] / q where p was not clipped, 0 where it was."""
    counted, labels = check_labels(labels, prediction.shape[-1], ignore)
    q = np.clip(prediction, epsilon, 1 - epsilon)
    chosen = labels[..., None] == np.arange(q.shape[-1])
    slope = 1 / np.sum(q, axis=-1, keepdims=True) - chosen / q
    outside = (prediction < epsilon) | (prediction > 1 - epsilon)
    return np.where(outside | ~counted[..., None], 0, slope * drows[..., None])


sparse_categorical_crossentropy = define(
    "sparse_categorical_crossentropy",
    inputs="labels:int32 prediction",
    attrs=ATTRS,
    shape=labelled_rows,
    gradient=lambda node, drows: (
        None,  # class numbers are whole
        sparse_categorical_crossentropy_grad(*node.inputs, drows, **node.attrs),
    ),
    reference=_reference,
    native_attrs=native_ignore,
    flops=row_flops,
    doc="""int32 (...), (..., n) -> (...): log(sum q) - log(q[label]), where q is the prediction
    clipped to [epsilon, 1 - epsilon], as in Keras. 0 for the label `ignore`; another label
    outside [0, n) is an error. From logits: sparse_softmax_crossentropy.""",
)

sparse_categorical_crossentropy_grad = define(
    "sparse_categorical_crossentropy_grad",
    inputs="labels:int32 prediction drows",
    attrs=ATTRS,
    shape=rows_grad,
    gradient=not_differentiable("second derivatives are not supported"),
    reference=_grad_reference,
    native_attrs=native_ignore,
    flops=row_flops,
    doc="d(loss)/d(prediction), given `drows`, the gradients of the rows' values.",
)
