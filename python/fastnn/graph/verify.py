"""Checks that a graph is well formed: a planner's bug should stop here, not in a kernel."""

from __future__ import annotations

from .node import Graph
from .tensor import Bound, Constant, Variable


def verify(graph: Graph) -> None:
    """Raises AssertionError naming the first node whose inputs, shapes or dtypes are wrong."""
    made = set()
    for node in graph.nodes:
        for i, tensor in enumerate(node.inputs):
            if tensor is None or isinstance(tensor, Bound | Constant | Variable):
                continue
            if tensor not in made:
                raise AssertionError(f"{node!r}: input {i} is used before it is made")
        expected = [tuple(s) for s in node.op.infer(node.inputs, node.attrs)]
        actual = [(t.shape, t.dtype) for t in node.outputs]
        if expected != actual:
            raise AssertionError(f"{node!r}: outputs {actual}, the shape rule says {expected}")
        made.update(node.outputs)
