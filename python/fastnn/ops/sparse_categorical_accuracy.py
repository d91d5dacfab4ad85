"""sparse_categorical_accuracy(labels, prediction): does the largest score stand at the label?"""

from __future__ import annotations

from ._losses import row_flops
from ._op import define, not_differentiable
from ._rankings import first_largest
from ._shapes import labelled_rows

sparse_categorical_accuracy = define(
    "sparse_categorical_accuracy",
    inputs="labels:int32 prediction",
    shape=labelled_rows,
    gradient=not_differentiable("a metric"),
    reference=lambda labels, prediction: (labels == first_largest(prediction)).astype(
        prediction.dtype
    ),
    flops=row_flops,
    doc="""int32 (...), (..., n) -> (...): 1 where the first largest of the n scores stands at the
    label, else 0. A label outside [0, n) is wrong, not an error, as in Keras.""",
)
