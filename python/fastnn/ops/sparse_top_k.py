"""sparse_top_k(labels, prediction): is the label among the k largest scores?"""

from __future__ import annotations

from ._losses import row_flops
from ._op import define, not_differentiable
from ._rankings import check_k, in_top_k
from ._shapes import labelled_rows


def _shape(labels, prediction, k):
    check_k(k)
    return labelled_rows(labels, prediction)


sparse_top_k = define(
    "sparse_top_k",
    inputs="labels:int32 prediction",
    attrs={"k": 5},
    shape=_shape,
    gradient=not_differentiable("a metric"),
    reference=in_top_k,
    flops=row_flops,
    doc="""int32 (...), (..., n) -> (...): 1 where fewer than k of the n scores are above the
    label's, else 0. (tf.math.in_top_k)""",
)
