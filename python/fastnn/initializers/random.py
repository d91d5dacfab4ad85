"""Initial values drawn from a distribution of the user's choice."""

from __future__ import annotations

import numpy as np

from fastnn.utils.arguments import check_number
from fastnn.utils.seeds import mix, next_seed

from .initializer import Initializer, as_array, register, registry


class RandomInitializer(Initializer):
    """Base class of those that draw numbers: `seed` is a whole number, or None to be given one."""

    def __init__(self, seed: int | None = None):
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int | np.integer)):
            raise ValueError(
                f"{type(self).__name__}: `seed` must be an int or None. Received: seed={seed!r}"
            )
        self.seed = None if seed is None else int(seed)
        self._drawn_seed = next_seed() if seed is None else mix(self.seed)

    def generator(self) -> np.random.Generator:
        """A new generator at the start of this initializer's stream."""
        from numpy import random

        return random.Generator(random.PCG64(self._drawn_seed))

    def get_config(self):
        return {"seed": self.seed}


class RandomNormal(RandomInitializer):
    """Normal distribution."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.mean = check_number("RandomNormal", "mean", mean)
        self.stddev = check_number("RandomNormal", "stddev", stddev, low=0)

    def __call__(self, shape, dtype=None):
        return as_array(self.generator().normal(self.mean, self.stddev, shape), dtype)

    def get_config(self):
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


registry.add(RandomNormal, "normal")


class RandomUniform(RandomInitializer):
    """Uniform distribution over [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.minval = check_number("RandomUniform", "minval", minval)
        self.maxval = check_number("RandomUniform", "maxval", maxval, low=self.minval)

    def __call__(self, shape, dtype=None):
        return as_array(self.generator().uniform(self.minval, self.maxval, shape), dtype)

    def get_config(self):
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


registry.add(RandomUniform, "uniform")


@register
class TruncatedNormal(RandomInitializer):
    """Normal distribution; what is further than two `stddev` from the mean is drawn again."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.mean = check_number("TruncatedNormal", "mean", mean)
        self.stddev = check_number("TruncatedNormal", "stddev", stddev, low=0)

    def __call__(self, shape, dtype=None):
        values = truncated_normal(self.generator(), shape)
        return as_array(self.mean + self.stddev * values, dtype)

    def get_config(self):
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


def truncated_normal(generator, shape) -> np.ndarray:
    """Standard normal numbers within [-2, 2]."""
    values = generator.standard_normal(shape)
    flat = values.reshape(-1)
    outside = np.flatnonzero(np.abs(flat) > 2)
    while outside.size:
        flat[outside] = generator.standard_normal(outside.size)
        outside = outside[np.abs(flat[outside]) > 2]
    return flat.reshape(shape)
