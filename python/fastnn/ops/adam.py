"""adam: steps of about the rate, whatever the size of the gradients."""

from __future__ import annotations

import numpy as np

from ._op import define
from ._optimizers import STEP, begin, present


def _reference(p, g, m, v, v_max, factor, column, clip, beta_1, beta_2, epsilon, run):
    p, g, rate = begin(p, g, factor, column, clip, run)
    m = m + (g - m) * (1 - beta_1)
    v = v + (g * g - v) * (1 - beta_2)
    if v_max is not None:
        v_max = np.maximum(v_max, v)
    root = np.sqrt(v if v_max is None else v_max)
    return present(p - rate * m / (root + epsilon), m, v, v_max)


adam = define(
    "adam",
    inputs="p g m v v_max? factor?",
    attrs={"column": 0, "clip": 0.0, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    reference=_reference,
    **STEP,
    doc="""m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2); p -= rate m / (sqrt(v) +
    epsilon), in place. run.scalars[column] is rate sqrt(1 - beta_2^t) / (1 - beta_1^t), or the
    rate itself for the form without bias correction. With v_max (amsgrad) its largest value so
    far stands for v.
    (Kingma & Ba, 2014, with the epsilon of its section 2; Reddi et al., 2018)""",
)
