"""The op record: everything the package knows about one operation, side by side in one file.

    relu = define(
        "relu",
        shape=same,                                    # shape-and-dtype rule
        gradient=lambda node, dy: (relu_grad(dy, node.outputs[0]),),
        reference=lambda x: np.maximum(x, 0),          # NumPy, in whatever float type comes
    )

The opcode of the same name in `csrc/program/opcodes.def` gives the native kernel its operands, dims
and attributes. Called on symbolic tensors an op records a node; called on arrays it runs at once.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from fastnn.graph.node import Graph, Node
from fastnn.graph.tensor import Constant, Tensor, TensorSpec


class Registry(Mapping):
    """Ops by name. An op's file, and that of its gradient `<name>_grad`, is `<name>.py`; it is
    imported when one of them is first asked for."""

    def __init__(self):
        self.defined: dict[str, Op] = {}

    def __getitem__(self, name: str) -> Op:
        if name not in self.defined and not name.startswith("_"):
            self._load(name.removesuffix("_grad"))
        return self.defined[name]

    def __iter__(self):
        for file in os.listdir(os.path.dirname(__file__)):
            if file.endswith(".py") and not file.startswith("_"):
                self._load(file.removesuffix(".py"))
        return iter(sorted(self.defined))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _load(self, file: str) -> None:
        module = f"{__package__}.{file}"
        try:
            import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise


registry = Registry()

REQUIRED = object()  # the "default" of an attribute that has none
RUN_STATE = ("step", "seed", "row", "scalars")  # what an op with `run=True` may be told eagerly


class Input(NamedTuple):
    """One input of an op, as `define` reads it from "name", "name?", "name:dtype" or "name:any"."""

    name: str
    dtype: str
    optional: bool


def not_differentiable(why: str) -> Callable:
    """A gradient rule for ops that have none; `why` goes into the error."""

    def rule(node, *_):
        raise ValueError(f"{node.op.name} has no gradient: {why}")

    rule.why = why
    return rule


def _input(text: str) -> Input:
    name, _, dtype = text.removesuffix("?").partition(":")
    return Input(name, dtype or "float32", text.endswith("?"))


class Op:
    """One operation. See `define` for the fields."""

    def __init__(
        self,
        name,
        shape,
        gradient,
        reference,
        *,
        attrs,
        settings,
        opcode,
        dims,
        native_attrs,
        effect,
        run,
        alias,
        inputs,
        flops,
        doc,
    ):
        self.name: str = name
        self.shape = shape
        self.gradient = gradient
        self.reference = reference
        self.attrs: dict[str, Any] = attrs
        self.settings: dict[str, Callable[[], Any]] = settings
        self.opcode: Callable[[Node], str] = opcode
        self.dims: Callable[[Node], dict[str, int]] = dims
        self.native_attrs: Callable[[Node], dict[str, float]] = native_attrs
        self.effect: bool = effect
        self.run: bool = run
        self.alias: bool = alias
        self.inputs: tuple[Input, ...] = inputs
        self.flops: Callable[[Node], int] = flops
        self.__doc__ = doc
        self.__name__ = name

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def infer(self, inputs: Sequence[Tensor | None], attrs: dict[str, Any]) -> list[TensorSpec]:
        """Specs of the outputs. Raises ValueError when shapes or dtypes do not fit."""
        for declared, given in zip(self.inputs, inputs, strict=True):
            if given is None:
                if not declared.optional:
                    raise ValueError(f"ops.{self.name}: `{declared.name}` is missing (None came).")
            elif given.dtype != declared.dtype and declared.dtype != "any":
                raise ValueError(
                    f"ops.{self.name}: `{declared.name}` must be {declared.dtype}, "
                    f"{given.dtype}{list(given.shape)} came."
                )
        try:
            specs = self.shape(*inputs, **attrs)
        except ValueError as error:
            raise ValueError(f"ops.{self.name}: {error}") from None
        if isinstance(specs, TensorSpec):
            specs = [specs]
        return [TensorSpec(tuple(s.shape), s.dtype) for s in specs]

    def __call__(self, *inputs, out=None, **attrs):
        state: dict[str, Any] = {}
        if attrs or self.attrs or len(inputs) != len(self.inputs):
            inputs, attrs, state = self._arguments(inputs, attrs)
        symbolic = any(isinstance(t, Tensor) for t in inputs)
        if symbolic or (not self.inputs and Graph.recording()):
            if out is not None or state:
                name = "out" if out is not None else next(iter(state))
                raise TypeError(f"ops.{self.name}: `{name}` is for arrays, not symbolic tensors.")
            return self._record(inputs, attrs)
        return _execute()(self, inputs, attrs, out, **state)

    def _arguments(self, inputs, attrs):
        """(inputs with None for the absent, attributes with their defaults, run state).

        Attributes may follow the inputs by position, as in `reshape(x, (2, 3))`.
        """
        state = {}
        if self.run:
            state = {k: attrs.pop(k) for k in RUN_STATE if k in attrs}
        count = len(self.inputs)
        for name, value in zip(self.attrs, inputs[count:], strict=False):
            if name in attrs:
                raise TypeError(f"ops.{self.name}: {name!r} came twice.")
            attrs[name] = value
        least = sum(not i.optional for i in self.inputs)
        if not least <= len(inputs) <= count + len(self.attrs):
            raise TypeError(f"ops.{self.name}: takes {self._takes()}; {len(inputs)} values came.")
        for name in attrs:
            if name not in self.attrs:
                raise TypeError(
                    f"ops.{self.name}: unknown argument {name!r}; it takes {self._takes()}."
                )
        inputs = inputs[:count] + (None,) * (count - len(inputs))
        attrs = {**self.attrs, **attrs}
        for name, value in attrs.items():
            if value is REQUIRED:
                raise TypeError(f"ops.{self.name}: `{name}` is missing; it takes {self._takes()}.")
        for name, setting in self.settings.items():
            if attrs[name] is None:
                attrs[name] = setting()
        return inputs, attrs, state

    def _takes(self) -> str:
        inputs = [i.name + "=None" * i.optional for i in self.inputs]
        return ", ".join(
            inputs + [k if v is REQUIRED else f"{k}={v!r}" for k, v in self.attrs.items()]
        )

    def _record(self, inputs, attrs):
        inputs = [
            t if t is None or isinstance(t, Tensor) else Constant(to_dtype(t, declared.dtype))
            for t, declared in zip(inputs, self.inputs, strict=True)
        ]
        node = Graph.current().add(self, inputs, attrs, self.infer(inputs, attrs))
        outputs = node.outputs
        return outputs[0] if len(outputs) == 1 else outputs or None


@functools.cache
def _execute() -> Callable:
    """What runs ops on arrays; it needs the native module, so it is imported when it is needed."""
    from ._eager import execute

    return execute


def to_dtype(value, dtype: str) -> np.ndarray:
    """`value` as an array of `dtype` ("any": as it is). Complex numbers, text and objects are
    refused; a fraction is never dropped silently."""
    array = np.asarray(value)
    if dtype == "any" or array.dtype == dtype:
        return array
    kinds = "biuf" if dtype.startswith("float") else "biu"
    if array.dtype.kind not in kinds:
        raise TypeError(f"an array of {array.dtype} came where {dtype} is due; convert it first.")
    converted = array.astype(dtype)
    if dtype.startswith("int") and not np.array_equal(converted, array):
        raise ValueError(f"an array of {array.dtype} holds values that {dtype} cannot.")
    return converted


def define(
    name: str,
    *,
    shape: Callable,
    gradient: Callable,
    reference: Callable,
    inputs: str = "x",
    attrs: dict[str, Any] | None = None,
    settings: dict[str, Callable[[], Any]] | None = None,
    opcode: str | Callable[[Node], str] | None = None,
    dims: Callable[[Node], dict[str, int]] | None = None,
    native_attrs: Callable[[Node], dict[str, float]] | None = None,
    effect: bool = False,
    run: bool = False,
    alias: bool = False,
    flops: Callable[[Node], int] | None = None,
    doc: str | None = None,
) -> Op:
    """Registers an op. A missing rule is an error here, not when the op is used.

    Args:
        shape: `(*inputs, **attrs) -> TensorSpec | [TensorSpec]`; inputs have `.shape`, `.dtype`.
        gradient: `(node, *output_gradients) -> one gradient or None per input`; an output's
            gradient is None where the loss does not depend on it.
        reference: `(*arrays, **attrs) -> array | tuple`: NumPy, keeps the float type of its inputs.
            For an op with effects: the new values of the inputs it writes (`!` in opcodes.def).
        inputs: their names; `name?` may be absent. float32, or `name:dtype`, or `name:any`.
        attrs: attribute names and defaults (REQUIRED: none).
        settings: attributes that are set elsewhere for all ops: where one is None, what its
            function returns when the op is called.
        opcode: name in opcodes.def, or a function of the node; the op's own name by default.
        dims: sizes that cannot be read off by matching the signature to the operands' shapes.
        native_attrs: attributes as the kernel wants them, numbers; by default those of that name.
        effect: writes its inputs in place, so it is never dropped.
        run: the reference also takes `run=` (step, row, seed, scalars, float).
        alias: the output is the input's bytes under another shape; nothing is executed.
        flops: floating point operations of a node; by default one per output element.
    """
    if name in registry.defined:
        raise ValueError(f"op {name!r} is already defined")
    for rule in (shape, gradient, reference):
        if not callable(rule):
            raise TypeError(f"op {name!r}: shape, gradient and reference must be functions")
    if opcode is None:
        opcode = name
    op = Op(
        name,
        shape,
        gradient,
        reference,
        attrs=attrs or {},
        settings=settings or {},
        opcode=opcode if callable(opcode) else lambda node: opcode,
        dims=dims or (lambda node: {}),
        native_attrs=native_attrs or (lambda node: node.attrs),
        effect=effect,
        run=run,
        alias=alias,
        inputs=tuple(_input(text) for text in inputs.split()),
        flops=flops or (lambda node: sum(t.size for t in node.outputs)),
        doc=doc,
    )
    registry.defined[name] = op
    return op
