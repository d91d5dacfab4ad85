"""Sequential: layers one after the other."""

from __future__ import annotations

from typing import Any

from fastnn.graph import Graph, Tensor
from fastnn.layers import InputLayer, Layer, deserialize, serialize
from fastnn.layers.registry import register

from .model import Model


@register
class Sequential(Model):
    """A chain of layers; `keras.Sequential`.

        Sequential([Input((784,)), Dense(128, activation="relu"), Dense(10)])

    The weights are made as soon as the shape of the input is known: from an `Input`, from
    `input_shape=` on the first layer, from `build(input_shape)`, or from the first data that comes.

    Args:
        layers: the layers, first one first; more can be added.
        trainable: False freezes all weights.
        name: by default "sequential", numbered from the second model on.

    Raises:
        TypeError: something that is no layer.
        ValueError: two layers of one name; a second Input; shapes that do not fit.
    """

    def __init__(self, layers=None, trainable: bool = True, name: str | None = None):
        super().__init__(trainable=trainable, name=name)
        self._layers: list[Layer] = []
        self._input_shape: tuple[int | None, ...] | None = None
        self._output_shape: tuple[int | None, ...] | None = None
        if layers is not None and not isinstance(layers, list | tuple):
            raise TypeError(f"Sequential: `layers` must be a list of layers; {layers!r:.60} came.")
        for layer in layers or ():
            self.add(layer, rebuild=False)
        self._rebuild()

    # ---- the chain

    def add(self, layer: Layer, rebuild: bool = True) -> None:
        """Puts a layer at the end; builds it when the shape of its input is known."""
        self._check(layer)
        shape = layer.declared_input_shape
        if not self._layers and shape is not None and not isinstance(layer, InputLayer):
            self._layers.append(InputLayer(batch_shape=shape))
        self._layers.append(layer)
        if not self.trainable:
            layer.trainable = False
        if rebuild:
            try:
                self._rebuild()
            except Exception:
                self._layers.pop()
                self._rebuild()
                raise

    def pop(self, rebuild: bool = True) -> Layer:
        """Takes the last layer away, and returns it. Raises IndexError when there is none."""
        if not self._layers:
            raise IndexError(f"pop: model {self.name!r} has no layers.")
        layer = self._layers.pop()
        if rebuild:
            self._rebuild()
        return layer

    def _layers_inside(self):
        return iter(self._layers)

    def _check(self, layer) -> None:
        if not isinstance(layer, Layer):
            raise TypeError(
                f"Model {self.name!r}: only layers can be added; {type(layer).__name__} came: "
                f"{layer!r:.60}."
            )
        if any(layer.name == other.name and layer is not other for other in self._layers):
            raise ValueError(
                f"Model {self.name!r} has a layer called {layer.name!r} already. Names must "
                "differ: pass another `name`."
            )
        if isinstance(layer, InputLayer) and self._layers:
            raise ValueError(
                f"Model {self.name!r}: an Input must come first, and once; "
                f"{len(self._layers)} layers are there already."
            )

    @property
    def layers(self) -> list[Layer]:
        """The layers without the Input."""
        return [layer for layer in self._layers if not isinstance(layer, InputLayer)]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of this name, or at this place in `layers`.

        Raises:
            ValueError: there is none, or neither or both were asked for.
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer: give either a name or an index.")
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"get_layer: there are {len(layers)} layers; index {index} came.")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in layers)
        raise ValueError(f"get_layer: no layer is called {name!r}; there are {known or 'none'}.")

    # ---- shapes

    def build(self, input_shape) -> None:
        """Makes the weights for inputs of `input_shape`: (None, ...), the batch in front.

        Raises:
            ValueError: there are no layers; the model has another input shape; a layer cannot take
                the shape that comes to it.
        """
        if not self.layers:
            raise ValueError(f"build: model {self.name!r} has no layers; add some first.")
        shape = input_shape = tuple(input_shape)
        known = self._input_shape if self.built else self._declared_shape()
        if known is not None and known[1:] != shape[1:]:
            raise ValueError(
                f"build: model {self.name!r} has the input shape {known} already; "
                f"input_shape={input_shape} came."
            )
        for layer in self.layers:
            if not layer.built:
                layer.build((None, *shape[1:]))
            shape = tuple(layer.compute_output_shape(shape))
        self._trace(input_shape)
        self._input_shape, self._output_shape = input_shape, shape
        for stream, layer in enumerate(_all_inside(self)):
            layer.stream = stream
        self.built = True

    def _rebuild(self) -> None:
        """After a change: build what can be built."""
        self.built = False
        self._changed()
        shape = self._declared_shape()
        if shape is not None and self.layers:
            self.build(shape)

    def _declared_shape(self):
        """The input shape that an Input, or a model that stands first, has; else None."""
        first = self._layers[0] if self._layers else None
        if isinstance(first, InputLayer):
            return first.batch_shape
        return first.input_shape if isinstance(first, Model) and first.built else None

    def _trace(self, input_shape) -> None:
        """Calls the layers once on a symbolic row: layers inside of layers get their weights, and
        what does not fit is found now."""
        with Graph():
            self.call(Tensor((1, *(1 if size is None else size for size in input_shape[1:]))))

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Shape of the input, the batch in front as None. AttributeError before it is known."""
        return self._shape("input", self._input_shape)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Shape of the output, the batch in front as None. AttributeError before it is known."""
        return self._shape("output", self._output_shape)

    def _shape(self, which: str, shape):
        if not self.built:
            raise AttributeError(
                f"Model {self.name!r} is not built and has no {which} shape yet. Give it an Input, "
                "or call build(input_shape)."
            )
        return shape

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return tuple(input_shape)

    # ---- running

    def call(self, x, training=False):
        for layer in self.layers:
            x = layer(x, training=training)
        return x

    # ---- configuration

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make the same model, without its weights' values."""
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "layers": [serialize(layer) for layer in self._layers],
        }
        if self.built:
            config["build_input_shape"] = self.input_shape
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Sequential:
        """The model that `get_config` described, with fresh weights.

        Raises:
            ValueError: "name" or "layers" is missing; a layer that fastnn does not know.
        """
        if not isinstance(config, dict) or not {"name", "layers"} <= config.keys():
            raise ValueError(
                f"Sequential.from_config needs 'name' and 'layers'. Received: {config!r:.80}"
            )
        model = cls(
            [deserialize(layer) for layer in config["layers"]],
            trainable=config.get("trainable", True),
            name=config["name"],
        )
        shape = config.get("build_input_shape")
        if shape is not None and not model.built:
            model.build(shape)
        return model


def _all_inside(layer: Layer):
    """The layers inside a layer, and those inside them, in order."""
    for inner in layer._layers_inside():
        yield inner
        yield from _all_inside(inner)
