"""Initializers, by the quantiles of what they draw: the distributions are Keras', not the bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

SQUARE = (400, 300)
QUANTILES = np.linspace(0, 1, 101)


def draw(name: str, shape: tuple[int, ...] = SQUARE, **options: Any) -> Callable[[Any], Any]:
    return lambda k: np.array(getattr(k.initializers, name)(**options)(shape))


RANDOM: dict[str, Callable[[Any], Any]] = {
    f"{name}_{shape_name}": draw(name, shape, seed=3)
    for name in ("GlorotUniform GlorotNormal HeUniform HeNormal LecunUniform LecunNormal".split())
    for shape_name, shape in (("tall", (1000, 120)), ("row", (120_000,)), ("conv", (3, 5, 40, 200)))
}
RANDOM |= {
    "RandomNormal": draw("RandomNormal", seed=3),
    "RandomNormal_options": draw("RandomNormal", mean=2.0, stddev=0.5, seed=3),
    "RandomUniform": draw("RandomUniform", seed=3),
    "RandomUniform_options": draw("RandomUniform", minval=-1.0, maxval=3.0, seed=3),
    "TruncatedNormal": draw("TruncatedNormal", seed=3),
    "TruncatedNormal_options": draw("TruncatedNormal", mean=-1.0, stddev=0.5, seed=3),
    "Orthogonal": draw("Orthogonal", seed=3),
    "Orthogonal_gain": draw("Orthogonal", (300, 400), gain=0.5, seed=3),
    **{
        f"VarianceScaling_{mode}_{distribution}": draw(
            "VarianceScaling", scale=0.7, mode=mode, distribution=distribution, seed=3
        )
        for mode in ("fan_in", "fan_out", "fan_avg")
        for distribution in ("truncated_normal", "untruncated_normal", "uniform")
    },
}

EXACT: dict[str, Callable[[Any], Any]] = {
    "Zeros": draw("Zeros", (2, 3)),
    "Ones": draw("Ones", (2, 3)),
    "Constant": draw("Constant", (2, 3), value=0.3),
    "Identity": draw("Identity", (3, 4), gain=2.0),
}
