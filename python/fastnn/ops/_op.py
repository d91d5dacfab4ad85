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

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastnn.graph.node import Graph, Node
from fastnn.graph.tensor import Constant, Tensor, TensorSpec

registry: dict[str, Op] = {}


def not_differentiable(why: str) -> Callable:
    """A gradient rule for ops that have none; `why` goes into the error."""

    def rule(node, *_):
        raise ValueError(f"{node.op.name} has no gradient: {why}")

    rule.why = why
    return rule


class Op:
    """One operation. See `define` for the fields."""

    def __init__(self, name, shape, gradient, reference, *, attrs, opcode, dims, native_attrs,
                 effect, run, alias, inputs, flops, doc):
        self.name: str = name
        self.shape = shape
        self.gradient = gradient
        self.reference = reference
        self.attrs: dict[str, Any] = attrs
        self.opcode: Callable[[Node], str] = opcode
        self.dims: Callable[[Node], dict[str, int]] = dims
        self.native_attrs: Callable[[Node], dict[str, float]] = native_attrs
        self.effect: bool = effect
        self.run: bool = run
        self.alias: bool = alias
        self.inputs: tuple[str, ...] = inputs
        self.flops: Callable[[Node], int] = flops
        self.__doc__ = doc
        self.__name__ = name

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def infer(self, inputs: Sequence[Tensor | None], attrs: dict[str, Any]) -> list[TensorSpec]:
        """Specs of the outputs. Raises ValueError when shapes or dtypes do not fit."""
        specs = self.shape(*inputs, **attrs)
        if isinstance(specs, TensorSpec):
            specs = [specs]
        return [TensorSpec(tuple(s.shape), s.dtype) for s in specs]

    def __call__(self, *inputs, out=None, **attrs):
        unknown = set(attrs) - set(self.attrs)
        if unknown:
            raise TypeError(
                f"ops.{self.name}: unknown argument {sorted(unknown)[0]!r}; "
                f"it takes {', '.join(self.attrs) or 'no attributes'}."
            )
        least = sum(not n.endswith("?") for n in self.inputs)
        if not least <= len(inputs) <= len(self.inputs):
            raise TypeError(
                f"ops.{self.name}: takes {' '.join(self.inputs)}, {len(inputs)} inputs came."
            )
        inputs += (None,) * (len(self.inputs) - len(inputs))
        attrs = {**self.attrs, **attrs}
        if any(isinstance(t, Tensor) for t in inputs):
            if out is not None:
                raise TypeError(f"ops.{self.name}: `out` is for arrays, not symbolic tensors.")
            return self._record(inputs, attrs)
        from ._eager import execute

        return execute(self, inputs, attrs, out)

    def _record(self, inputs, attrs):
        inputs = [t if t is None or isinstance(t, Tensor) else _constant(t) for t in inputs]
        node = Graph.current().add(self, inputs, attrs, self.infer(inputs, attrs))
        outputs = node.outputs
        return outputs[0] if len(outputs) == 1 else outputs or None


def _constant(value) -> Constant:
    value = np.asarray(value)
    return Constant(value.astype(np.float32) if value.dtype.kind in "fc" or value.ndim == 0 else value)


def define(
    name: str,
    *,
    shape: Callable,
    gradient: Callable,
    reference: Callable,
    inputs: str = "x",
    attrs: dict[str, Any] | None = None,
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
        shape: `(*inputs, **attrs) -> TensorSpec | [TensorSpec]`; the inputs have `.shape`, `.dtype`.
        gradient: `(node, *output_gradients) -> one gradient or None per input`; an output's
            gradient is None where the loss does not depend on it.
        reference: `(*arrays, **attrs) -> array | tuple`: NumPy, keeps the float type of its inputs.
            For an op with effects: the new values of the inputs it writes (`!` in opcodes.def).
        inputs: their names; `name?` may be absent.
        attrs: attribute names and defaults.
        opcode: name in opcodes.def, or a function of the node; the op's own name by default.
        dims: sizes that cannot be read off by matching the signature to the operands' shapes.
        native_attrs: attributes as the kernel wants them (numbers); by default those of the same name.
        effect: writes its inputs in place, so it is never dropped.
        run: the reference also takes `run=` (step, row, seed, scalars, float).
        alias: the output is the input's bytes under another shape; nothing is executed.
        flops: floating point operations of a node; by default one per output element.
    """
    if name in registry:
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
        opcode=opcode if callable(opcode) else lambda node: opcode,
        dims=dims or (lambda node: {}),
        native_attrs=native_attrs or (lambda node: node.attrs),
        effect=effect,
        run=run,
        alias=alias,
        inputs=tuple(inputs.split()),
        flops=flops or (lambda node: sum(t.size for t in node.outputs)),
        doc=doc,
    )
    registry[name] = op
    return op
