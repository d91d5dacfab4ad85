"""The base of all metrics: state in float64, added to by every minibatch, read at the end."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.graph.tensor import Variable
from fastnn.utils.arguments import check_dtype, class_numbers, floats
from fastnn.utils.naming import auto_name


class Metric:
    """A figure over many minibatches.

    A subclass makes its state with `add_variable`, and has `emit`, which emits the ops that add a
    minibatch to the state, and `result`. `emit` takes arrays too: then it adds at once.

    Args:
        dtype: None or "float32" (the state is float64 in any case).
        name: by default the class in snake case, numbered from the second one on.
    """

    target_dtype = "float32"  # of y_true in a program: "int32" for class numbers
    direction: str | None = None  # "up" where more is better, "down" where less is

    def __init__(self, dtype=None, name: str | None = None):
        check_dtype(type(self).__name__, dtype)
        self.name = name or auto_name(type(self).__name__)
        self.variables: list[Variable] = []

    def add_variable(self, shape, name: str) -> Variable:
        """State of zeros, float64."""
        value = np.zeros(shape, np.float64)
        variable = Variable(value, name=name, path=f"{self.name}/{name}", trainable=False)
        self.variables.append(variable)
        return variable

    def emit(self, y_true, y_pred, sample_weight=None) -> None:
        """Adds a minibatch to the state: tensors (targets of `target_dtype`), or arrays."""
        raise NotImplementedError(f"{type(self).__name__} must define emit(y_true, y_pred, ...).")

    def result(self):
        """The figure so far: a float, or an array where there are several thresholds."""
        raise NotImplementedError(f"{type(self).__name__} must define result().")

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Adds arrays to the state.

        Raises:
            ValueError: the shapes do not fit.
        """
        y_true = class_numbers(y_true) if self.target_dtype == "int32" else floats(y_true)
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight, np.float32)
        self.emit(y_true, floats(y_pred), sample_weight)

    def reset_state(self) -> None:
        """Forgets what was added."""
        for variable in self.variables:
            variable.value[...] = 0

    def __call__(self, *args, **kwargs):
        """`update_state`, then `result`."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": "float32"}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def divide_no_nan(a, b) -> np.ndarray:
    """a / b, and 0 where b is 0."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape)), where=b != 0)
