"""The base of all layers: names, weights, and what happens when a layer is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from fastnn import dtype_policies, initializers, regularizers
from fastnn.graph.node import Graph
from fastnn.graph.tensor import Tensor, Variable
from fastnn.precision import layer_precision
from fastnn.utils.arguments import check_dtype, refuse_unknown, refuse_unsupported
from fastnn.utils.naming import auto_name


class Layer:
    """Parameters, their configuration, and the ops that use them.

    A subclass has `call(x, training=False)` (or `call(x)`), which emits ops on symbolic tensors
    (the batch is a number there) and holds no arithmetic of its own; `build(input_shape)`, which
    makes the weights with `add_weight` (the batch is None there); `compute_output_shape`; and
    `get_config`.

    Args:
        activity_regularizer: penalty on the output, divided by the number of rows.
        trainable: whether training changes the weights.
        dtype: a dtype policy or its name, "float32" or "mixed_bfloat16" (`fastnn.dtype_policies`);
            None: the global one.
        name: by default the class in snake case, numbered from the second one on.
        input_shape, input_dim, batch_size: of the input, on the first layer of a Sequential.

    Raises:
        TypeError: a keyword argument that no class of the layer knows.
        ValueError: an argument that Keras has and fastnn has not, or a wrong value.
    """

    def __init__(
        self,
        *,
        activity_regularizer=None,
        trainable: bool = True,
        dtype=None,
        autocast: bool = True,
        name: str | None = None,
        input_shape=None,
        input_dim: int | None = None,
        batch_size: int | None = None,
        **unknown,
    ):
        where = type(self).__name__
        refuse_unknown(where, unknown)
        if autocast is not True:
            refuse_unsupported(where, autocast=repr(autocast))
        try:
            self.dtype_policy = dtype_policies.get(dtype)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{where}(dtype={dtype!r}): {error}") from None
        if not isinstance(trainable, bool):
            raise ValueError(f"{where}: `trainable` must be True or False. Received: {trainable!r}")
        if name is not None and not isinstance(name, str):
            raise ValueError(f"{where}: `name` must be a string. Received: name={name!r}")
        self.name = name or auto_name(where)
        self.built = False
        # Shape with the batch in front, when this layer was told it; else None.
        self.declared_input_shape = declared_shape(where, input_shape, input_dim, batch_size)
        self.stream = 0  # number of this layer's random stream; a model numbers its layers
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._trainable = trainable
        self._trainable_weights: list[Variable] = []
        self._other_weights: list[Variable] = []
        self._takes_training = "training" in inspect.signature(self.call).parameters

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _build_once(cls.build)
        if "call" in cls.__dict__:
            cls.call = _under_its_policy(cls.call)

    # ---- what subclasses define

    def build(self, input_shape) -> None:
        """Makes the weights for inputs of `input_shape` (batch, ...), where the batch is None."""
        self.built = True

    def call(self, x, training=False):
        """Emits the ops that turn the tensor x into the output."""
        raise NotImplementedError(f"{type(self).__name__} must define call(x).")

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """The output's shape for an input shape; the batch, in front, may be None."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make the same layer, without its weights' values."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype_policy.name}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        return cls(**config)

    # ---- calling

    def __call__(self, x, training: bool = False):
        """Emits this layer's ops on a symbolic tensor; runs them at once on an array."""
        if not isinstance(x, Tensor):
            return _run_on_array(self, x, training)
        if not self.built:
            self.build((None, *x.shape[1:]))
        graph = Graph.current()
        outer, graph.scope = graph.scope, self.name
        try:
            y = self.call(x, training=training) if self._takes_training else self.call(x)
            if self.activity_regularizer is not None:
                from fastnn import ops

                penalty = self.activity_regularizer.emit(y)
                graph.losses.append(ops.affine(penalty, scale=1 / max(y.shape[0], 1)))
        finally:
            graph.scope = outer
        return y

    # ---- dtypes

    @property
    def compute_dtype(self) -> str:
        """To what the factors of this layer's matrix products are rounded."""
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """Of the weights: "float32"."""
        return self.dtype_policy.variable_dtype

    dtype = variable_dtype

    # ---- weights

    def add_weight(
        self,
        shape=(),
        initializer=None,
        dtype=None,
        trainable: bool = True,
        regularizer=None,
        name: str = "variable",
        **unsupported,
    ) -> Variable:
        """A new weight of this layer; its initializer is glorot_uniform by default.

        Raises:
            TypeError: an unknown keyword argument.
            ValueError: the initializer's values have another shape.
        """
        where = f"{type(self).__name__}.add_weight"
        refuse_unsupported(where, constraint=unsupported.pop("constraint", None))
        refuse_unknown(where, unsupported)
        check_dtype(where, dtype)
        shape = tuple(int(d) for d in shape)
        initializer = initializers.get("glorot_uniform" if initializer is None else initializer)
        value = np.asarray(initializer(shape, dtype="float32"), np.float32)
        if value.shape != shape:
            raise ValueError(
                f"{where}: the initializer of {name!r} gave shape {value.shape}, not {shape}."
            )
        weight = Variable(value, name=name, path=f"{self.name}/{name}")
        weight.trainable = trainable and self.trainable
        weight.regularizer = regularizers.get(regularizer)
        (self._trainable_weights if trainable else self._other_weights).append(weight)
        return weight

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; setting it also sets the layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for weight in self._trainable_weights:
            weight.trainable = self._trainable
        for layer in self._layers_inside():
            layer.trainable = value

    def _layers_inside(self) -> Iterator[Layer]:
        """Layers kept in this layer's attributes, or in lists and tuples there."""
        for value in vars(self).values():
            for item in value if isinstance(value, list | tuple) else (value,):
                if isinstance(item, Layer):
                    yield item

    @property
    def weights(self) -> list[Variable]:
        """All weights: trainable ones first, then the others, then those of the layers inside."""
        found = [*self._trainable_weights, *self._other_weights]
        for layer in self._layers_inside():
            found += [w for w in layer.weights if all(w is not f for f in found)]
        return found

    variables = weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        return [w for w in self.weights if w.trainable]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone."""
        return [w for w in self.weights if not w.trainable]

    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the weights' values, in the order of `weights`."""
        return [w.numpy() for w in self.weights]

    def set_weights(self, weights) -> None:
        """Overwrites the values. Raises ValueError when their number or a shape differs."""
        mine = self.weights
        if len(weights) != len(mine):
            raise ValueError(
                f"set_weights of layer {self.name!r}: {len(mine)} arrays are due (as get_weights() "
                f"gives), {len(weights)} came."
            )
        arrays = [np.asarray(a) for a in weights]
        for weight, array in zip(mine, arrays, strict=True):
            if array.shape != weight.shape:
                raise ValueError(
                    f"set_weights of layer {self.name!r}: {weight.path!r} has shape "
                    f"{weight.shape}, an array of shape {array.shape} came."
                )
        for weight, array in zip(mine, arrays, strict=True):
            weight.assign(array)

    def count_params(self) -> int:
        """Number of values in the weights. Raises ValueError before the layer is built."""
        if not self.built:
            raise ValueError(
                f"count_params of layer {self.name!r}: its weights are not made yet. "
                "Call the layer on data first, or `build(input_shape)`."
            )
        return sum(w.size for w in self.weights)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _build_once(build):
    """Wraps a subclass's `build`: the second call does nothing, the first marks the layer built."""

    @functools.wraps(build)
    def wrapper(self, input_shape):
        if not self.built:
            build(self, tuple(input_shape))
            self.built = True

    return wrapper


def _under_its_policy(call):
    """Wraps a subclass's `call`: the products in it are as precise as the layer's policy says."""

    @functools.wraps(call)
    def wrapper(self, *args, **kwargs):
        with layer_precision(self.dtype_policy.matmul_precision):
            return call(self, *args, **kwargs)

    return wrapper


def _run_on_array(layer: Layer, x, training: bool):
    """Runs a program of this one layer on an array."""
    from .input_layer import InputLayer

    if isinstance(x, InputLayer):
        raise TypeError(
            f"Layer {layer.name!r} was called on an Input: models of free form are not supported "
            "by fastnn. Use Sequential([Input(...), ...])."
        )
    from fastnn.runtime.eager import eager_call

    x = np.asarray(x)
    if not layer.built:
        layer.build((None, *x.shape[1:]))
    return eager_call(layer, x, training)


def declared_shape(where: str, input_shape, input_dim, batch_size) -> tuple | None:
    """(batch, *shape) from the arguments of a first layer; None when there are none.

    Raises ValueError for shapes that are no sequences of positive whole numbers.
    """
    if input_dim is not None:
        if input_shape is not None:
            raise ValueError(f"{where}: `input_shape` and `input_dim` cannot both be given.")
        input_shape = (input_dim,)
    if input_shape is None:
        return None
    if isinstance(input_shape, str | int) or not hasattr(input_shape, "__iter__"):
        raise ValueError(
            f"{where}: a shape is a tuple of sizes without the batch, such as (784,). "
            f"Received: {input_shape!r}"
        )
    shape = (batch_size, *input_shape)
    for size in shape:
        if size is None:
            continue
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
            raise ValueError(
                f"{where}: sizes in a shape must be whole numbers from 0, or None. "
                f"Received: {input_shape!r}, batch_size={batch_size!r}"
            )
    return tuple(size if size is None else int(size) for size in shape)
