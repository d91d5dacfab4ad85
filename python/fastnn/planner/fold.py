"""Constant folding: a node whose inputs are all constants is computed while planning."""

from __future__ import annotations

import numpy as np

from fastnn.graph.node import Node
from fastnn.graph.tensor import Constant, Tensor

from .rewrite import Rewriter


def fold_constants(nodes: list[Node], keep: set[Tensor]) -> list[Node]:
    """Replaces constant nodes by their values; tensors in `keep` stay made by a node."""
    rewriter = Rewriter()
    kept = []
    for node in nodes:
        node = rewriter.update(node)
        known = [t for t in node.inputs if t is not None]
        if (
            node.op.effect
            or node.op.run
            or not known
            or not all(isinstance(t, Constant) for t in known)
            or any(t in keep for t in node.outputs)
        ):
            kept.append(node)
            continue
        inputs = [None if t is None else t.value for t in node.inputs]
        with np.errstate(all="ignore"):  # kernels do not warn either
            values = node.op.reference(*inputs, **node.attrs)
        values = values if isinstance(values, tuple) else (values,)
        for tensor, value in zip(node.outputs, values, strict=True):
            rewriter.replace(tensor, Constant(value.astype(tensor.dtype).reshape(tensor.shape)))
    return kept
