"""Reverse-mode differentiation: walk the nodes backwards, ask each op for its gradient rule."""

from __future__ import annotations

import numpy as np

from .node import Graph
from .tensor import Constant, Tensor


def gradients(graph: Graph, loss: Tensor, wrt: list[Tensor]) -> list[Tensor | None]:
    """Adds the backward nodes of `loss` (one element) to `graph`.

    Returns d(loss)/d(t) for each t in `wrt`, None where the loss does not depend on it.
    """
    from fastnn import ops

    if loss.size != 1:
        raise ValueError(f"gradients: the loss must be one number, got shape {loss.shape}.")
    needed = _depends_on(graph, wrt)
    total: dict[Tensor, Tensor] = {loss: Constant(np.ones(loss.shape, np.float32))}
    for node in reversed(graph.nodes.copy()):
        incoming = [total.get(t) for t in node.outputs]
        if all(g is None for g in incoming) or not any(t in needed for t in node.inputs):
            continue
        graph.scope = node.label
        outgoing = node.op.gradient(node, *incoming)
        if len(outgoing) != len(node.inputs):
            raise AssertionError(f"{node.op.name}: one gradient per input is due")
        for tensor, grad in zip(node.inputs, outgoing, strict=True):
            if grad is None or tensor not in needed:
                continue
            if grad.size != tensor.size:
                raise AssertionError(f"{node.op.name}: gradient {grad.shape} for {tensor.shape}")
            total[tensor] = ops.add(total[tensor], grad) if tensor in total else grad
    graph.scope = ""
    return [total.get(t) for t in wrt]


def _depends_on(graph: Graph, roots: list[Tensor]) -> set[Tensor]:
    """All tensors whose value depends on one of `roots`, the roots included."""
    reached = set(roots)
    for node in graph.nodes:
        if any(t in reached for t in node.inputs):
            reached.update(node.outputs)
    return reached
