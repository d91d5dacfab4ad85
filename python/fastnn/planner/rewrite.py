"""Replacing tensors while walking a list of nodes once, front to back."""

from __future__ import annotations

from fastnn.graph.node import Node
from fastnn.graph.tensor import Tensor


class Rewriter:
    """Remembers which tensor stands for which, and updates the inputs of later nodes."""

    def __init__(self):
        self._stands_for: dict[Tensor, Tensor] = {}

    def replace(self, old: Tensor, new: Tensor) -> None:
        self._stands_for[old] = new

    def resolve(self, tensor: Tensor | None) -> Tensor | None:
        while tensor in self._stands_for:
            tensor = self._stands_for[tensor]
        return tensor

    def update(self, node: Node) -> Node:
        node.inputs = tuple(self.resolve(t) for t in node.inputs)
        return node
