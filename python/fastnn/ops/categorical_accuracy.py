"""categorical_accuracy(target, prediction): do the largest values stand at the same place?"""

from __future__ import annotations

from ._losses import row_flops
from ._op import define, not_differentiable
from ._rankings import first_largest
from ._shapes import rows

categorical_accuracy = define(
    "categorical_accuracy",
    inputs="target prediction",
    shape=rows,
    gradient=not_differentiable("a metric"),
    reference=lambda target, prediction: (
        first_largest(target) == first_largest(prediction)
    ).astype(prediction.dtype),
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...): 1 where target and prediction have their first largest value
    at the same place of the last axis, else 0.""",
)
