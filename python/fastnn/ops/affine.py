"""affine(x) = x scale + shift, with two numbers."""

from __future__ import annotations

from ._op import define
from ._shapes import same

affine = define(
    "affine",
    attrs={"scale": 1.0, "shift": 0.0},
    shape=same,
    gradient=lambda node, dy: (affine(dy, scale=node.attrs["scale"]),),
    reference=lambda x, scale, shift: x * scale + shift,
    doc="x scale + shift, elementwise; `scale` and `shift` are numbers.",
)
