"""When each buffer is first written and last read, by position in the list of nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fastnn.graph.node import Node
from fastnn.graph.tensor import Bound, Constant, Tensor, Variable


@dataclass
class Life:
    """A buffer of `nbytes` that must keep its contents from node `first` to node `last`."""

    tensor: Tensor
    nbytes: int
    first: int
    last: int


def roots(nodes: list[Node]) -> dict[Tensor, Tensor]:
    """For the output of each alias node (reshape): the tensor whose bytes it is."""
    root: dict[Tensor, Tensor] = {}
    for node in nodes:
        if node.op.alias:
            source = node.inputs[0]
            root[node.outputs[0]] = root.get(source, source)
    return root


def lifetimes(nodes: list[Node], keep: Iterable[Tensor], placed: set[Tensor]) -> list[Life]:
    """Lives of the tensors that need room in the arena, in order of birth.

    `keep` stay alive to the end; `placed` (and variables, constants, bound arrays) have their room.
    """
    root = roots(nodes)
    lives: dict[Tensor, Life] = {}
    for position, node in enumerate(nodes):
        for t in node.inputs:
            life = lives.get(root.get(t, t))
            if life:
                life.last = position
        if node.op.alias:
            continue
        for t in node.outputs:
            if t not in placed and not isinstance(t, Bound | Constant | Variable):
                lives[t] = Life(t, t.nbytes, position, position)
    for t in keep:
        life = lives.get(root.get(t, t))
        if life:
            life.last = len(nodes)
    return list(lives.values())
