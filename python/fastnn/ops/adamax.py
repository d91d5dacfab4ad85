"""adamax: adam with the largest gradient in place of the root mean square."""

from __future__ import annotations

import numpy as np

from ._op import define
from ._optimizers import STEP, begin


def _reference(p, g, m, u, factor, column, clip, beta_1, beta_2, epsilon, run):
    p, g, rate = begin(p, g, factor, column, clip, run)
    m = m + (g - m) * (1 - beta_1)
    u = np.maximum(beta_2 * u, np.abs(g))
    return p - rate * m / (u + epsilon), m, u


adamax = define(
    "adamax",
    inputs="p g m u factor?",
    attrs={"column": 0, "clip": 0.0, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    reference=_reference,
    **STEP,
    doc="""m += (g - m)(1 - beta_1); u = max(beta_2 u, |g|); p -= rate m / (u + epsilon), in place.
    run.scalars[column] is rate / (1 - beta_1^t). (Kingma & Ba, 2014, section 7)""",
)
