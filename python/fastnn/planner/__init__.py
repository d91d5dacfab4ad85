"""Pure Python, no device: from a graph to a list of kernel calls over one arena."""

from __future__ import annotations

from .fuse import fuse_losses
from .lower import plan
from .plan import ARENA, CONSTANTS, SPACES, Place, Plan, Step

__all__ = ["ARENA", "CONSTANTS", "SPACES", "Place", "Plan", "Step", "fuse_losses", "plan"]
