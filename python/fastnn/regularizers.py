"""Penalties on weights and activities: names, arguments and formulas of `keras.regularizers`.

`emit(x)` takes a tensor (a variable, or a layer's output) and gives the penalty, of shape ().
Calling a regularizer on an array computes it at once.
"""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.utils.arguments import check_number, floats
from fastnn.utils.registry import Registry


class Regularizer:
    """Base class. A subclass has `__call__(x)` written in ops, and `get_config()`."""

    def __call__(self, x):
        raise NotImplementedError(f"{type(self).__name__} must define __call__(x).")

    def emit(self, x):
        """The penalty on the tensor x, of shape ()."""
        return self(x)

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]):
        return cls(**config)


registry = Registry("regularizer", Regularizer, "keras.regularizers")


def _factor(where: str, name: str, value) -> float:
    return check_number(where, name, 0.0 if value is None else value, low=0, high=3.4e38)


@registry.add
class L1L2(Regularizer):
    """l1 * sum |x| + l2 * sum x^2."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1 = _factor("L1L2", "l1", l1)
        self.l2 = _factor("L1L2", "l2", l2)

    def __call__(self, x):
        return ops.l1_l2(floats(x), l1=self.l1, l2=self.l2)

    def get_config(self):
        return {"l1": self.l1, "l2": self.l2}


@registry.add
class L1(Regularizer):
    """l1 * sum |x|."""

    def __init__(self, l1: float = 0.01):
        self.l1 = _factor("L1", "l1", l1)

    def __call__(self, x):
        return ops.l1_l2(floats(x), l1=self.l1, l2=0.0)

    def get_config(self):
        return {"l1": self.l1}


@registry.add
class L2(Regularizer):
    """l2 * sum x^2."""

    def __init__(self, l2: float = 0.01):
        self.l2 = _factor("L2", "l2", l2)

    def __call__(self, x):
        return ops.l1_l2(floats(x), l1=0.0, l2=self.l2)

    def get_config(self):
        return {"l2": self.l2}


@registry.add
class OrthogonalRegularizer(Regularizer):
    """Keeps the rows (or columns) of a matrix apart: factor * mean |cosine| over all pairs of them.

    Args:
        factor: of the penalty.
        mode: "rows" or "columns".
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        if mode not in ("rows", "columns"):
            raise ValueError(
                "OrthogonalRegularizer: `mode` must be 'rows' or 'columns'. "
                f"Received: mode={mode!r}"
            )
        self.factor = _factor("OrthogonalRegularizer", "factor", factor)
        self.mode = mode

    def __call__(self, x):
        x = floats(x)
        if len(x.shape) != 2:
            raise ValueError(
                f"OrthogonalRegularizer: a matrix is due. Received: x of shape {tuple(x.shape)}"
            )
        across = 1 if self.mode == "rows" else 0  # the axis along which a vector lies
        n = x.shape[1 - across]
        norm = ops.sqrt(
            ops.clip(
                ops.reduce_sum(ops.square(x), axis=across, keepdims=True),
                low=1e-12,
                high=float("inf"),
            )
        )
        unit = ops.divide(x, norm)
        cosines = ops.matmul(
            unit, unit, transpose_a=self.mode == "columns", transpose_b=self.mode == "rows"
        )
        # The n ones of the diagonal go; each pair stands twice.
        everything = ops.l1_l2(cosines, l1=1.0, l2=0.0)
        diagonal = ops.l1_l2(unit, l1=0.0, l2=1.0)
        pairs = max(n * (n - 1) / 2, 1)
        return ops.affine(ops.subtract(everything, diagonal), scale=0.5 * self.factor / pairs)

    def get_config(self):
        return {"factor": self.factor, "mode": self.mode}


class _FromFunction(Regularizer):
    """A user's `f(x) -> number`, written in ops."""

    def __init__(self, function):
        self.function = function

    def __call__(self, x):
        return self.function(x)

    def get_config(self):
        raise ValueError(
            f"{self.function!r} is a function of your own: a config cannot name it. "
            "Use a class of fastnn.regularizers where the model is to be saved."
        )


def get(identifier) -> Regularizer | None:
    """A regularizer from None, a name ("l1", "L2", "l1l2", ...), a class, a config, or a function.

    Raises:
        ValueError: there is no such regularizer.
    """
    found = registry.get(identifier)
    return found if found is None or isinstance(found, Regularizer) else _FromFunction(found)


serialize = registry.serialize
deserialize = registry.deserialize

# Keras has each under two names.
l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]
