"""Initial values of weights: names, arguments and distributions of `keras.initializers`.

An initializer is called with a shape and gives a float32 array. Random ones own a seed, given or
drawn from `fastnn.utils.next_seed()`, and give the same values each time they are called, so that
`set_random_seed` makes a model reproducible in any process. (The numbers are not Keras'.)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn.utils.arguments import check_number
from fastnn.utils.registry import Registry
from fastnn.utils.seeds import mix, next_seed


class Initializer:
    """Base class. A subclass has `__call__(shape, dtype=None) -> array` and `get_config()`."""

    def __call__(self, shape, dtype=None) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(shape, dtype).")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]):
        return cls(**config)

    def __repr__(self) -> str:
        settings = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"<{type(self).__name__} {settings}>" if settings else f"<{type(self).__name__}>"


registry = Registry("initializer", Initializer, "keras.initializers")


def _array(values, dtype) -> np.ndarray:
    return np.asarray(values, dtype=dtype or np.float32)


class Zeros(Initializer):
    """All 0."""

    def __call__(self, shape, dtype=None):
        return np.zeros(shape, dtype or np.float32)


class Ones(Initializer):
    """All 1."""

    def __call__(self, shape, dtype=None):
        return np.ones(shape, dtype or np.float32)


class Constant(Initializer):
    """All `value` (a number, or an array that broadcasts to the shape)."""

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        return _array(np.broadcast_to(self.value, shape), dtype).copy()

    def get_config(self):
        value = self.value
        return {"value": value.tolist() if isinstance(value, np.ndarray) else value}


class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere."""

    def __init__(self, gain: float = 1.0):
        self.gain = check_number("Identity", "gain", gain)

    def __call__(self, shape, dtype=None):
        if len(shape) != 2:
            raise ValueError(f"Identity: the weight must be a matrix. Received: shape={shape}")
        return _array(self.gain * np.eye(*shape), dtype)

    def get_config(self):
        return {"gain": self.gain}


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
        return _array(self.generator().normal(self.mean, self.stddev, shape), dtype)

    def get_config(self):
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class RandomUniform(RandomInitializer):
    """Uniform distribution over [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.minval = check_number("RandomUniform", "minval", minval)
        self.maxval = check_number("RandomUniform", "maxval", maxval, low=self.minval)

    def __call__(self, shape, dtype=None):
        return _array(self.generator().uniform(self.minval, self.maxval, shape), dtype)

    def get_config(self):
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


class TruncatedNormal(RandomInitializer):
    """Normal distribution; what is further than two `stddev` from the mean is drawn again."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.mean = check_number("TruncatedNormal", "mean", mean)
        self.stddev = check_number("TruncatedNormal", "stddev", stddev, low=0)

    def __call__(self, shape, dtype=None):
        values = _truncated_normal(self.generator(), shape)
        return _array(self.mean + self.stddev * values, dtype)

    def get_config(self):
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


def _truncated_normal(generator, shape) -> np.ndarray:
    """Standard normal numbers within [-2, 2]."""
    values = generator.standard_normal(shape)
    flat = values.reshape(-1)
    outside = np.flatnonzero(np.abs(flat) > 2)
    while outside.size:
        flat[outside] = generator.standard_normal(outside.size)
        outside = outside[np.abs(flat[outside]) > 2]
    return flat.reshape(shape)


# Standard deviation of a standard normal number cut to [-2, 2].
_TRUNCATED_STDDEV = 0.87962566103423978


class VarianceScaling(RandomInitializer):
    """Variance scale / n, where n is the fan in, the fan out, or their mean.

    Args:
        scale: positive number.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal" ("normal" is the same), "untruncated_normal" or "uniform".
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ):
        super().__init__(seed)
        name = type(self).__name__
        self.scale = check_number(name, "scale", scale)
        if self.scale <= 0:
            raise ValueError(f"{name}: `scale` must be positive. Received: scale={scale}")
        self.mode = _one_of(name, "mode", mode, ("fan_in", "fan_out", "fan_avg"))
        if distribution == "normal":
            distribution = "truncated_normal"
        known = ("truncated_normal", "untruncated_normal", "uniform")
        self.distribution = _one_of(name, "distribution", distribution, known)

    def __call__(self, shape, dtype=None):
        fan_in, fan_out = fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        generator = self.generator()
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return _array(generator.uniform(-limit, limit, shape), dtype)
        if self.distribution == "untruncated_normal":
            return _array(generator.normal(0, math.sqrt(variance), shape), dtype)
        stddev = math.sqrt(variance) / _TRUNCATED_STDDEV
        return _array(stddev * _truncated_normal(generator, shape), dtype)

    def get_config(self):
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            **super().get_config(),
        }


def _one_of(where: str, name: str, value, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{where}: `{name}` must be one of {known}. Received: {name}={value!r}")
    return value


def fans(shape) -> tuple[int, int]:
    """(fan in, fan out): the last two axes, times the size of the receptive field before them."""
    if len(shape) < 2:
        n = math.prod(shape)
        return n, n
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class _Scaled(VarianceScaling):
    """A VarianceScaling with a name: only the seed is left to choose."""

    settings: tuple[float, str, str]

    def __init__(self, seed: int | None = None):
        super().__init__(*self.settings, seed)

    def get_config(self):
        return {"seed": self.seed}


class GlorotUniform(_Scaled):
    """Uniform over +-sqrt(6 / (fan in + fan out)). (Glorot & Bengio, 2010)"""

    settings = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal, variance 2 / (fan in + fan out). (Glorot & Bengio, 2010)"""

    settings = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform over +-sqrt(6 / fan in). (He et al., 2015)"""

    settings = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal, variance 2 / fan in. (He et al., 2015)"""

    settings = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform over +-sqrt(3 / fan in). (LeCun et al., 1998)"""

    settings = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal, variance 1 / fan in. (LeCun et al., 1998)"""

    settings = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """`gain` times a matrix with orthonormal rows or columns. (Saxe et al., 2013)

    Weights of more than two axes are seen as a matrix of (all but the last) x last.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        super().__init__(seed)
        self.gain = check_number("Orthogonal", "gain", gain)

    def __call__(self, shape, dtype=None):
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: at least two axes are due. Received: shape={shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        square = self.generator().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(square)
        q *= np.sign(np.diag(r))  # makes the distribution uniform over orthogonal matrices
        if rows < columns:
            q = q.T
        return _array(self.gain * q.reshape(shape), dtype)

    def get_config(self):
        return {"gain": self.gain, **super().get_config()}


registry.add(Zeros, "zero")
registry.add(Ones, "one")
registry.add(Constant)
registry.add(Identity, "IdentityInitializer")
registry.add(RandomNormal, "normal")
registry.add(RandomUniform, "uniform")
for _class in (TruncatedNormal, VarianceScaling, GlorotUniform, GlorotNormal, HeUniform, HeNormal,
               LecunUniform, LecunNormal, Orthogonal):  # fmt: skip
    registry.add(_class)
registry.add(Orthogonal, "OrthogonalInitializer")


def get(identifier):
    """An initializer from None, a name, a class, a config, a callable `f(shape, dtype)`, an array.

    Raises:
        ValueError: there is no such initializer.
    """
    if isinstance(identifier, np.ndarray):
        return _Given(identifier)
    return registry.get(identifier)


class _Given(Constant):
    """The values themselves; the shape must agree."""

    def __call__(self, shape, dtype=None):
        if tuple(shape) != self.value.shape:
            raise ValueError(
                f"The initial array has shape {self.value.shape}, the weight {tuple(shape)}."
            )
        return super().__call__(shape, dtype)


serialize = registry.serialize
deserialize = registry.deserialize
