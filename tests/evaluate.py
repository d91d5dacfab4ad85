"""Evaluating what was traced: every node of a graph by its op's NumPy reference, in float64."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from fastnn.graph import Constant, Graph, Tensor, Variable


def evaluate(graph: Graph, *wanted: Tensor, known=None, step: int = 0, seed: int = 0):
    """The values of the tensors `wanted`; `known` gives those of tensors that no node makes.

    Variables and constants count with their own values. Effects are not carried out.
    """
    value = dict(known or {})
    run = SimpleNamespace(step=step, seed=seed, row=0, scalars=None, float=np.dtype(np.float64))

    def read(t):
        if t is None or t in value:
            return value.get(t)
        if isinstance(t, Constant | Variable):
            return t.value.astype(np.float64) if t.dtype == "float32" else t.value
        raise AssertionError(f"{t!r} has no value")

    for node in graph.nodes:
        if node.op.effect:
            continue
        extra = {"run": run} if node.op.run else {}
        results = node.op.reference(*map(read, node.inputs), **node.attrs, **extra)
        for tensor, result in zip(
            node.outputs, results if isinstance(results, tuple) else (results,), strict=True
        ):
            assert np.shape(result) == tensor.shape, f"{node!r}: {np.shape(result)} came"
            value[tensor] = result
    found = [read(t) for t in wanted]
    return found[0] if len(found) == 1 else found


def placeholder(array, dtype: str = "float32") -> Tensor:
    """A tensor of the array's shape, for `known={tensor: array}`."""
    return Tensor(np.shape(array), dtype)
