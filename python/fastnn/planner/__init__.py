"""Pure Python, no device: from a graph to a list of kernel calls over one arena."""

from __future__ import annotations

from .fuse import fuse_losses
from .lower import plan
from .plan import ARENA, CONSTANTS, CPU, CUDA, SPACES, Join, Place, Plan, Step, Target

__all__ = [
    "ARENA",
    "CONSTANTS",
    "CPU",
    "CUDA",
    "SPACES",
    "Join",
    "Place",
    "Plan",
    "Step",
    "Target",
    "fuse_losses",
    "plan",
]
