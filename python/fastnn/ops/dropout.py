"""dropout(x): each element is zeroed with a probability; the others grow to make up for it."""

from __future__ import annotations

import numpy as np

from ._op import REQUIRED, define
from ._shapes import same

ATTRS = {"rate": REQUIRED, "stream": 0}


def _shape(x, rate, stream):
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must be a probability from 0 to 1, {rate} came.")
    return same(x)


def _reference(x, rate, stream, run):
    from ._philox import words

    uniform = (words(run.seed, stream, run.step, x.size) >> np.uint32(8)) * 2.0**-24
    scale = 1 / (1 - rate) if rate < 1 else 0.0
    return np.where(uniform.reshape(x.shape) >= rate, x * scale, 0)


dropout = define(
    "dropout",
    attrs=ATTRS,
    shape=_shape,
    # The mask is a function of (seed, stream, step), so it is made again and not kept.
    gradient=lambda node, dy: (dropout(dy, **node.attrs),),
    reference=_reference,
    run=True,
    flops=lambda node: 10 * node.outputs[0].size,
    doc="""x / (1 - rate) with probability 1 - rate, else 0, elementwise; all 0 at rate 1.
    Element i is kept where the upper 24 bits of word i of the Philox stream (run.seed, stream,
    run.step), as a number in [0, 1), are at least `rate`. (Srivastava et al., 2014)""",
)
