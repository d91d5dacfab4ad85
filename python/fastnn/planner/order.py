"""Which nodes run, and in which order.

The order is the one in which the graph was recorded, which is already sound: an op can only be
called on tensors that exist. Nodes that nobody needs are dropped.
"""

from __future__ import annotations

from collections.abc import Iterable

from fastnn.graph.node import Node
from fastnn.graph.tensor import Tensor


def live_nodes(nodes: list[Node], outputs: Iterable[Tensor]) -> list[Node]:
    """The nodes that have an effect or lead to one, or to `outputs`."""
    needed = set(outputs)
    kept = []
    for node in reversed(nodes):
        if node.op.effect or any(t in needed for t in node.outputs):
            needed.update(t for t in node.inputs if t is not None)
            kept.append(node)
    return kept[::-1]


def consumers(nodes: list[Node]) -> dict[Tensor, list[Node]]:
    """For each tensor, the nodes that read it."""
    users: dict[Tensor, list[Node]] = {}
    for node in nodes:
        for t in node.inputs:
            if t is not None:
                users.setdefault(t, []).append(node)
    return users
