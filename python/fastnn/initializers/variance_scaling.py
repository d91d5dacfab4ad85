"""Initial values whose variance fits the number of connections."""

from __future__ import annotations

import math

from fastnn.utils.arguments import check_number

from .initializer import as_array, register
from .random import RandomInitializer, truncated_normal

# Standard deviation of a standard normal number cut to [-2, 2].
_TRUNCATED_STDDEV = 0.87962566103423978


@register
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
            return as_array(generator.uniform(-limit, limit, shape), dtype)
        if self.distribution == "untruncated_normal":
            return as_array(generator.normal(0, math.sqrt(variance), shape), dtype)
        stddev = math.sqrt(variance) / _TRUNCATED_STDDEV
        return as_array(stddev * truncated_normal(generator, shape), dtype)

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


@register
class GlorotUniform(_Scaled):
    """Uniform over +-sqrt(6 / (fan in + fan out)). (Glorot & Bengio, 2010)"""

    settings = (1.0, "fan_avg", "uniform")


@register
class GlorotNormal(_Scaled):
    """Truncated normal, variance 2 / (fan in + fan out). (Glorot & Bengio, 2010)"""

    settings = (1.0, "fan_avg", "truncated_normal")


@register
class HeUniform(_Scaled):
    """Uniform over +-sqrt(6 / fan in). (He et al., 2015)"""

    settings = (2.0, "fan_in", "uniform")


@register
class HeNormal(_Scaled):
    """Truncated normal, variance 2 / fan in. (He et al., 2015)"""

    settings = (2.0, "fan_in", "truncated_normal")


@register
class LecunUniform(_Scaled):
    """Uniform over +-sqrt(3 / fan in). (LeCun et al., 1998)"""

    settings = (1.0, "fan_in", "uniform")


@register
class LecunNormal(_Scaled):
    """Truncated normal, variance 1 / fan in. (LeCun et al., 1998)"""

    settings = (1.0, "fan_in", "truncated_normal")
