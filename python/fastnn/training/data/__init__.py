"""From what users have to what the engine takes: whole arrays, or batches one by one."""

from __future__ import annotations

from .arrays import as_array, as_inputs
from .feeds import ArrayFeed, BatchFeed, Chunk, is_array_like, make_feed
from .targets import as_arrays, split_validation

__all__ = [
    "ArrayFeed",
    "BatchFeed",
    "Chunk",
    "as_array",
    "as_arrays",
    "as_inputs",
    "is_array_like",
    "make_feed",
    "split_validation",
]
