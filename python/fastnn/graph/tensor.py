"""The four kinds of value a graph knows: made by a node, bound from outside, constant, variable."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .away import AWAY, come_home

if TYPE_CHECKING:
    from .node import Node


class TensorSpec(NamedTuple):
    """Shape and dtype name ("float32", "int32", ...) of a value, before there is one."""

    shape: tuple[int, ...]
    dtype: str = "float32"


class Tensor:
    """A value inside a graph: output `index` of `node`. Shapes are whole numbers, batch included.

    Python's arithmetic operators record nodes, so that losses can be written as formulas.
    """

    __slots__ = ("shape", "dtype", "node", "index")
    # NumPy must hand `array * tensor` to us, not try to loop over it.
    __array_ufunc__ = None

    def __init__(self, shape, dtype="float32", node: Node | None = None, index: int = 0):
        self.shape = tuple(int(d) for d in shape)
        self.dtype = dtype
        self.node = node
        self.index = index

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(self.shape, self.dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * np.dtype(self.dtype).itemsize

    def __repr__(self) -> str:
        made = f" = {self.node.op.name}" if self.node is not None else ""
        return f"<{type(self).__name__} {self.dtype}{list(self.shape)}{made}>"

    def __bool__(self) -> bool:
        raise TypeError(
            f"{self!r} is symbolic: it has no truth value while the graph is being described. "
            "Use fastnn.ops (maximum, clip, ...) instead of Python's if/and/or."
        )

    def __iter__(self):
        raise TypeError(f"{self!r} is symbolic and cannot be iterated over.")

    def __add__(self, other):
        return _ops().add(self, other)

    def __radd__(self, other):
        return _ops().add(other, self)

    def __sub__(self, other):
        return _ops().subtract(self, other)

    def __rsub__(self, other):
        return _ops().subtract(other, self)

    def __mul__(self, other):
        return _ops().multiply(self, other)

    def __rmul__(self, other):
        return _ops().multiply(other, self)

    def __truediv__(self, other):
        return _ops().divide(self, other)

    def __rtruediv__(self, other):
        return _ops().divide(other, self)

    def __neg__(self):
        return _ops().affine(self, scale=-1.0)

    def __matmul__(self, other):
        return _ops().matmul(self, other)


class Bound(Tensor):
    """An array that each run brings: a data set, its order, the place for predictions.

    `shape[0]` is the number of rows; 0 stands for any number, which the kernels check at run time.
    """

    __slots__ = ("name",)

    def __init__(self, name: str, shape, dtype: str):
        super().__init__(shape, dtype)
        self.name = name


class Constant(Tensor):
    """A value known when the program is planned."""

    __slots__ = ("value",)

    def __init__(self, value):
        value = np.asarray(value, order="C")
        super().__init__(value.shape, value.dtype.name)
        self.value = value


class Variable(Tensor):
    """A value that outlives a run: a parameter, an optimizer slot, a metric's total.

    `space` names the flat buffer it lives in ("params", "frozen", "slots", "state") and `offset`
    its first byte there, once a `Storage` has laid it out; `value` is then a view into it.
    """

    __slots__ = ("name", "path", "space", "offset", "_value", "trainable", "regularizer", "storage")

    def __init__(
        self,
        value,
        *,
        name: str = "variable",
        path: str | None = None,
        trainable: bool = True,
        space: str | None = None,
    ):
        value = np.asarray(value, order="C")
        super().__init__(value.shape, value.dtype.name)
        self.name = name
        self.path = path or name
        self.trainable = trainable
        self.space = space
        self.offset: int | None = None
        self._value = value
        self.regularizer = None
        self.storage = None

    @property
    def value(self) -> np.ndarray:
        """The array itself. While a fit runs on a device, what was read before is out of date after
        the next step: read it again."""
        if AWAY and self.storage is not None:
            come_home(self.storage.buffer)
        return self._value

    @value.setter
    def value(self, value: np.ndarray) -> None:
        self._value = value

    def numpy(self) -> np.ndarray:
        """A copy of the value."""
        return np.array(self.value)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.value, dtype=dtype)

    def assign(self, value) -> None:
        """Overwrites the value in place. Raises ValueError when the shapes differ."""
        value = np.asarray(value)
        if value.shape != self.shape:
            raise ValueError(
                f"Variable {self.path!r}: cannot assign an array of shape {value.shape} to a "
                f"variable of shape {self.shape}. Reshape or transpose it first."
            )
        self.value[...] = value


def _ops():
    from fastnn import ops

    return ops
