"""nadam: adam with Nesterov's momentum."""

from __future__ import annotations

import numpy as np

from ._op import define
from ._optimizers import STEP, begin


def _reference(p, g, m, v, factor, column, clip, beta_1, beta_2, epsilon, run):
    p, g, rate = begin(p, g, factor, column, clip, run)
    of_mean, of_gradient, of_square = run.scalars[column + 2 : column + 5]
    m = m + (g - m) * (1 - beta_1)
    v = v + (g * g - v) * (1 - beta_2)
    step = of_mean * m + of_gradient * g
    return p - rate * step / (np.sqrt(of_square * v) + epsilon), m, v


nadam = define(
    "nadam",
    inputs="p g m v factor?",
    attrs={"column": 0, "clip": 0.0, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    reference=_reference,
    **STEP,
    doc="""m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2);
    p -= rate (a m + b g) / (sqrt(c v) + epsilon), in place. With u_t = beta_1 (1 - 0.96^t / 2) and
    U_t = u_1 ... u_t, run.scalars[column + 2 ...] are a = u_(t+1) / (1 - U_(t+1)),
    b = (1 - u_t) / (1 - U_t), c = 1 / (1 - beta_2^t). (Dozat, 2016)""",
)
