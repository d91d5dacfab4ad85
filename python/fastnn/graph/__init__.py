"""Symbolic tensors, the nodes that make them, and reverse-mode differentiation."""

from __future__ import annotations

from .autodiff import gradients
from .node import Graph, Node
from .storage import Storage, planning, revise
from .tensor import Bound, Constant, Tensor, TensorSpec, Variable
from .verify import verify

__all__ = [
    "Bound",
    "Constant",
    "Graph",
    "Node",
    "Storage",
    "Tensor",
    "TensorSpec",
    "Variable",
    "gradients",
    "planning",
    "revise",
    "verify",
]
