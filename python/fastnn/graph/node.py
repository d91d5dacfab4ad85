"""Nodes, and the graph that records them in the order in which ops are called."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .tensor import Tensor

if TYPE_CHECKING:
    from fastnn.ops import Op


class Node:
    """One call of an op: inputs (None where an optional one is absent), attributes, outputs."""

    __slots__ = ("op", "inputs", "attrs", "outputs", "label")

    def __init__(self, op: Op, inputs, attrs: dict[str, Any], label: str = ""):
        self.op = op
        self.inputs: tuple[Tensor | None, ...] = tuple(inputs)
        self.attrs = attrs
        self.outputs: tuple[Tensor, ...] = ()
        self.label = label

    def __repr__(self) -> str:
        args = ", ".join("-" if t is None else f"{t.dtype}{list(t.shape)}" for t in self.inputs)
        outs = ", ".join(f"{t.dtype}{list(t.shape)}" for t in self.outputs)
        return f"{self.label + ': ' if self.label else ''}{self.op.name}({args}) -> {outs or '()'}"


class _Entered(threading.local):
    """The graphs that a thread has entered, the innermost last."""

    def __init__(self):
        self.graphs: list[Graph] = []


class Graph:
    """Records the nodes made while it is entered: `with Graph() as g: y = ops.relu(x)`.

    `scope` is the label given to new nodes (the layer being called), for plans and error messages.
    """

    _entered = _Entered()

    def __init__(self):
        self.nodes: list[Node] = []
        self.scope = ""
        self.losses: list[Tensor] = []  # scalar penalties added by layers while they are called

    def __enter__(self) -> Graph:
        Graph._entered.graphs.append(self)
        return self

    def __exit__(self, *exc) -> None:
        Graph._entered.graphs.pop()

    @staticmethod
    def recording() -> bool:
        """Is a graph being described right now?"""
        return bool(Graph._entered.graphs)

    @staticmethod
    def current() -> Graph:
        if not Graph._entered.graphs:
            raise RuntimeError(
                "An op was called on a symbolic tensor outside of a graph. Symbolic tensors live "
                "only while a model is being traced; call the model on arrays instead."
            )
        return Graph._entered.graphs[-1]

    def add(self, op: Op, inputs, attrs: dict[str, Any], specs) -> Node:
        node = Node(op, inputs, attrs, self.scope)
        node.outputs = tuple(Tensor(s[0], s[1], node, i) for i, s in enumerate(specs))
        self.nodes.append(node)
        return node
