"""The base of all optimizers: what they share around one native op over flat parameters.

Order of a step, as in Keras: clip the gradients, decay the weights, update.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import ops
from fastnn.graph.tensor import Tensor, Variable
from fastnn.utils.arguments import check_number, refuse_unknown, refuse_unsupported
from fastnn.utils.naming import auto_name

from . import schedules
from .schedules import LearningRateSchedule

if TYPE_CHECKING:
    from fastnn.training.parameters import Parameters

Rate = float | LearningRateSchedule | Callable[[], float]


class Optimizer:
    """Changes parameters along their gradients.

    A subclass names its slots, computes its columns of per-step scalars, and emits its op.

    Args:
        learning_rate: a number, a `LearningRateSchedule`, or a function that gives a number.
        weight_decay: each step first multiplies the parameters by 1 - learning rate * weight_decay
            (decoupled, Loshchilov & Hutter, 2017).
        clipnorm: largest norm of the gradient of each variable.
        global_clipnorm: largest norm of all gradients together.
        clipvalue: largest magnitude of each gradient's values.
        name: by default the class in snake case, numbered from the second one on.

    Raises:
        TypeError: an unknown keyword argument.
        ValueError: a wrong value; more than one way of clipping; an argument that Keras has and
            fastnn has not.
    """

    def __init__(
        self,
        learning_rate: Rate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **unknown,
    ):
        where = type(self).__name__
        refuse_unknown(where, unknown)
        refuse_unsupported(
            where,
            use_ema=use_ema,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
        )
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        if sum(v is not None for v in clips.values()) > 1:
            raise ValueError(
                f"{where}: only one of clipnorm, clipvalue and global_clipnorm can be set. "
                f"Received: {clips}"
            )
        self.name = name or auto_name(where)
        self.weight_decay = _number_or_none(where, "weight_decay", weight_decay)
        self.clipnorm = _number_or_none(where, "clipnorm", clipnorm)
        self.clipvalue = _number_or_none(where, "clipvalue", clipvalue)
        self.global_clipnorm = _number_or_none(where, "global_clipnorm", global_clipnorm)
        self.iterations = 0  # steps done; the trainer counts
        self._learning_rate: Rate = 0.0
        self._set_rate(learning_rate)
        self._built = False
        self._excluded: tuple[list[Variable], re.Pattern | None] = ([], None)

    # ---- what subclasses define

    @property
    def slot_names(self) -> tuple[str, ...]:
        """Names of the arrays kept for each parameter, each of its shape."""
        return ()

    def slot_initial_values(self) -> list[float]:
        """What the slots are filled with at the start, one number a slot."""
        return [0.0] * len(self.slot_names)

    def columns(self, rate: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        """Scalars of the steps t (1 is the first): first the rate, then what follows the decay in
        the op's columns, each of t's shape, float64.
        """
        return [rate]

    def emit_update(self, parameter: Tensor, gradient: Tensor, slots, factor, **common) -> None:
        """Emits the op. `slots` by name; `factor` on the gradient or None; common: column, clip."""
        raise NotImplementedError(f"{type(self).__name__} must define emit_update.")

    # ---- a step

    def emit(self, parameters: Parameters) -> None:
        """Emits the step over all of `parameters`: one op, or one for each part that differs."""
        self._built = True
        variables = parameters.variables
        if not variables:
            return
        factor = None
        if self.global_clipnorm:
            gradient = parameters.range(variables[0], variables[-1])[1]
            factor = ops.norm_scale(ops.square_sums(gradient), limit=self.global_clipnorm)
        for first, last in self._parts(variables):
            parameter, gradient, slots = parameters.range(first, last)
            if self.clipnorm:
                factor = ops.norm_scale(ops.square_sums(gradient), limit=self.clipnorm)
            self.emit_update(
                parameter,
                gradient,
                dict(zip(self.slot_names, slots, strict=True)),
                factor,
                column=0 if self._decays(first) else self._width,
                clip=self.clipvalue or 0.0,
            )

    def _parts(self, variables: list[Variable]) -> Iterator[tuple[Variable, Variable]]:
        """(first, last) of runs of variables that are treated alike."""
        first = previous = variables[0]
        for v in variables[1:]:
            if self.clipnorm or self._decays(v) != self._decays(first):
                yield first, previous
                first = v
            previous = v
        yield first, previous

    def scalar_table(self, step: int, count: int) -> np.ndarray:
        """The scalars that the ops read in the steps step, step + 1, ... (0 is the first): float32
        [count, width]. A second group of columns, without decay, follows where variables are
        excluded from it.
        """
        t = np.arange(step + 1, step + count + 1, dtype=np.float64)
        rate = self._rates(step, count)
        first, *rest = self.columns(rate, t)
        table = [first, rate * (self.weight_decay or 0.0), *rest]
        if self._excludes:
            table += [first, np.zeros(count), *rest]
        return np.stack(table, axis=1).astype(np.float32)

    @property
    def _width(self) -> int:
        """Columns in one group."""
        one = np.ones(1)
        return len(self.columns(one, one)) + 1

    # ---- the learning rate

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return float(self._rates(self.iterations, 1)[0])

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        if isinstance(self._learning_rate, LearningRateSchedule) and not callable(value):
            raise TypeError(
                f"{type(self).__name__}: the learning rate follows a schedule and cannot be set. "
                "Make the optimizer with a number to change it while training."
            )
        self._set_rate(value)

    def _set_rate(self, value: Rate) -> None:
        if not callable(value):
            value = check_number(type(self).__name__, "learning_rate", value)
        self._learning_rate = value

    def _rates(self, step: int, count: int) -> np.ndarray:
        """Learning rates of the steps step, ..., float64 [count]."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return rate.rates(np.arange(step, step + count))
        if callable(rate):  # asked once for each step, as in Keras
            return np.array([float(rate()) for _ in range(count)])
        return np.full(count, float(rate))

    # ---- weight decay

    def exclude_from_weight_decay(self, var_list=None, var_names=None) -> None:
        """Lets these variables alone: those in `var_list`, and those in whose name one of the
        regular expressions `var_names` is found ("bias").

        Raises:
            ValueError: a program with this optimizer exists already.
        """
        if self._built:
            raise ValueError(
                "exclude_from_weight_decay: call it before the first training step; the steps are "
                "planned already."
            )
        pattern = re.compile("|".join(var_names)) if var_names else None
        self._excluded = (list(var_list or []), pattern)

    @property
    def _excludes(self) -> bool:
        return bool(self.weight_decay) and self._excluded != ([], None)

    def _decays(self, v: Variable) -> bool:
        if not self._excludes:
            return True
        variables, pattern = self._excluded
        return all(v is not u for u in variables) and not (pattern and pattern.search(v.name))

    # ---- configuration

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make the same optimizer, without its state."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            rate = schedules.serialize(rate)
        elif callable(rate):
            raise ValueError(
                f"{type(self).__name__}: the learning rate is a function of your own, which a "
                "config cannot name. Use a schedule of fastnn.optimizers.schedules."
            )
        return {
            "name": self.name,
            "learning_rate": rate,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Optimizer:
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = schedules.deserialize(config["learning_rate"])
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} learning_rate={self.learning_rate:g}>"


def _number_or_none(where: str, name: str, value) -> float | None:
    return None if value is None else check_number(where, name, value, low=0)
