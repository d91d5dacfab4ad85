"""top_k(target, prediction): is the class with the largest target among the k largest scores?"""

from __future__ import annotations

from ._losses import row_flops
from ._op import define, not_differentiable
from ._rankings import check_k, first_largest, in_top_k
from ._shapes import rows


def _shape(target, prediction, k):
    check_k(k)
    return rows(target, prediction)


top_k = define(
    "top_k",
    inputs="target prediction",
    attrs={"k": 5},
    shape=_shape,
    gradient=not_differentiable("a metric"),
    reference=lambda target, prediction, k: in_top_k(first_largest(target), prediction, k),
    flops=row_flops,
    doc="""(..., n), (..., n) -> (...): 1 where fewer than k of the n scores are above the score
    of the target's first largest class, else 0.""",
)
