"""Learning rates that follow the step: names, arguments and formulas of Keras' schedules.

A schedule is called with a step (0 is the first), or with an array of steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.utils.arguments import check_number
from fastnn.utils.registry import Registry


class LearningRateSchedule:
    """Base class. A subclass has `__call__(step) -> rate`, written in NumPy or in plain Python, and
    `get_config()`.
    """

    def __call__(self, step):
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step).")

    def rates(self, steps: np.ndarray) -> np.ndarray:
        """The rates of many steps, float64; a subclass that takes arrays does them at once."""
        return np.array([float(self(int(step))) for step in steps])

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self).__name__} must define get_config().")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        return cls(**config)


registry = Registry("learning rate schedule", LearningRateSchedule, "keras.optimizers.schedules")
serialize = registry.serialize
deserialize = registry.deserialize


class _Formula(LearningRateSchedule):
    """A schedule given by `rates`. Its config are its attributes."""

    def __call__(self, step):
        rates = self.rates(np.asarray(step, np.float64))
        return float(rates) if rates.ndim == 0 else rates

    def rates(self, steps):
        raise NotImplementedError

    def get_config(self):
        return dict(vars(self))


def _rate(where: str, value) -> float:
    return check_number(where, "initial_learning_rate", value)


def _positive(where: str, name: str, value) -> float:
    if check_number(where, name, value) <= 0:
        raise ValueError(f"{where}: `{name}` must be positive. Received: {name}={value!r}")
    return value


@registry.add
class ExponentialDecay(_Formula):
    """rate * decay_rate^(step / decay_steps); `staircase` takes the whole part of the exponent.

    Raises:
        ValueError: `decay_steps` is not positive.
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        decay_rate,
        staircase=False,
        name="ExponentialDecay",
    ):
        self.initial_learning_rate = _rate(name, initial_learning_rate)
        self.decay_steps = _positive(name, "decay_steps", decay_steps)
        self.decay_rate = check_number(name, "decay_rate", decay_rate)
        self.staircase = staircase
        self.name = name

    def rates(self, steps):
        p = steps / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (
            np.floor(p) if self.staircase else p
        )


@registry.add
class InverseTimeDecay(_Formula):
    """rate / (1 + decay_rate * step / decay_steps); `staircase` takes the quotient's whole part.

    Raises:
        ValueError: `decay_steps` is not positive.
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        decay_rate,
        staircase=False,
        name="InverseTimeDecay",
    ):
        self.initial_learning_rate = _rate(name, initial_learning_rate)
        self.decay_steps = _positive(name, "decay_steps", decay_steps)
        self.decay_rate = check_number(name, "decay_rate", decay_rate)
        self.staircase = staircase
        self.name = name

    def rates(self, steps):
        p = steps / self.decay_steps
        return self.initial_learning_rate / (
            1 + self.decay_rate * (np.floor(p) if self.staircase else p)
        )


@registry.add
class PiecewiseConstantDecay(_Formula):
    """values[0] up to and with step boundaries[0], then values[1] up to boundaries[1], and so on.

    Raises:
        ValueError: there is not one value more than boundaries.
    """

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        if len(values) != len(boundaries) + 1:
            raise ValueError(
                "PiecewiseConstantDecay: one value more than boundaries is due. "
                f"Received: {len(boundaries)} boundaries, {len(values)} values"
            )
        self.boundaries = list(boundaries)
        self.values = list(values)
        self.name = name

    def rates(self, steps):
        return np.asarray(self.values, np.float64)[np.searchsorted(self.boundaries, steps)]


@registry.add
class PolynomialDecay(_Formula):
    """From the initial rate to `end_learning_rate` in `decay_steps` steps, along
    (1 - step / decay_steps)^power; `cycle` starts again with twice, three times, ... the steps.

    Raises:
        ValueError: `decay_steps` is not positive.
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        end_learning_rate=0.0001,
        power=1.0,
        cycle=False,
        name="PolynomialDecay",
    ):
        self.initial_learning_rate = _rate(name, initial_learning_rate)
        self.decay_steps = _positive(name, "decay_steps", decay_steps)
        self.end_learning_rate = check_number(name, "end_learning_rate", end_learning_rate)
        self.power = check_number(name, "power", power)
        self.cycle = cycle
        self.name = name

    def rates(self, steps):
        total = self.decay_steps
        if self.cycle:
            total = total * np.maximum(np.ceil(steps / total), 1)
        left = 1 - np.minimum(steps, total) / total
        span = self.initial_learning_rate - self.end_learning_rate
        return span * left**self.power + self.end_learning_rate


@registry.add
class CosineDecay(_Formula):
    """From the initial rate to `alpha` times it in `decay_steps` steps, along half a cosine
    (Loshchilov & Hutter, 2016); first, with `warmup_steps`, linearly up to `warmup_target`.

    Raises:
        ValueError: `decay_steps` is not positive.
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        alpha=0.0,
        name="CosineDecay",
        warmup_target=None,
        warmup_steps=0,
    ):
        self.initial_learning_rate = _rate(name, initial_learning_rate)
        self.decay_steps = _positive(name, "decay_steps", decay_steps)
        self.alpha = check_number(name, "alpha", alpha)
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = check_number(name, "warmup_steps", warmup_steps, low=0)

    def rates(self, steps):
        if self.warmup_target is None:
            return self._cosine(steps, self.initial_learning_rate)
        low, high = self.initial_learning_rate, self.warmup_target
        warming = steps / max(self.warmup_steps, 1) * (high - low) + low
        decaying = self._cosine(steps - self.warmup_steps, high)
        return np.where(steps < self.warmup_steps, warming, decaying)

    def _cosine(self, steps, start):
        share = np.clip(steps, 0, self.decay_steps) / self.decay_steps
        return start * ((1 - self.alpha) * 0.5 * (1 + np.cos(np.pi * share)) + self.alpha)


@registry.add
class CosineDecayRestarts(_Formula):
    """Cosines one after another: each `t_mul` times as long as the one before, and `m_mul` times as
    high. (Loshchilov & Hutter, 2016)

    Raises:
        ValueError: `first_decay_steps` is not positive.
    """

    def __init__(
        self,
        initial_learning_rate,
        first_decay_steps,
        t_mul=2.0,
        m_mul=1.0,
        alpha=0.0,
        name="SGDRDecay",
    ):
        self.initial_learning_rate = _rate(name, initial_learning_rate)
        self.first_decay_steps = _positive(name, "first_decay_steps", first_decay_steps)
        self.t_mul = check_number(name, "t_mul", t_mul, low=1)
        self.m_mul = check_number(name, "m_mul", m_mul)
        self.alpha = check_number(name, "alpha", alpha)
        self.name = name

    def rates(self, steps):
        done = steps / self.first_decay_steps  # in units of the first cosine
        if self.t_mul == 1:
            period = np.floor(done)
            share = done - period
        else:
            period = np.floor(np.log1p(done * (self.t_mul - 1)) / np.log(self.t_mul))
            period += done >= self._begin(period + 1)  # the logarithm may fall short by a rounding
            share = (done - self._begin(period)) / self.t_mul**period
        height = 0.5 * self.m_mul**period * (1 + np.cos(np.pi * share))
        return self.initial_learning_rate * ((1 - self.alpha) * height + self.alpha)

    def _begin(self, period):
        """Where a cosine begins: 1 + t_mul + t_mul^2 + ... of the ones before."""
        return (self.t_mul**period - 1) / (self.t_mul - 1)


__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]
