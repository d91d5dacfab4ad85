"""The plan: what a graph became, before any device is involved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastnn.graph.node import Node
from fastnn.graph.tensor import Tensor

ARENA, CONSTANTS = "arena", "constants"
# Flat buffers that belong to a model; bound arrays come after them, by name.
SPACES = (ARENA, CONSTANTS, "params", "frozen", "grads", "slots", "state")


@dataclass(frozen=True)
class Target:
    """What a plan is made for."""

    alignment: int = 64  # of arena buffers, in bytes
    # The least gradient, in bytes, that its product hands to the optimizer (chain.py); None: none.
    chained_bytes: int | None = 1 << 20
    # Activation gradients of so many bytes are made apart from bias gradients: then threads write
    # whole rows, and where those lie in L2 another pass costs less than sharing them by columns.
    apart_bytes: range = range(1 << 16, 1 << 20)
    # The least activation gradient, in bytes, that the product before it makes (fuse.py). What fits
    # into the caches is read from there again as quickly as where it is made.
    derivative_bytes: int = 1 << 24
    halves: bool = True  # may rows of a minibatch lie in two halves (halves.py)?
    joins: bool = False  # may instructions share a launch (join.py)?
    mlp: bool = False  # may a whole network?


CPU = Target()
CUDA = Target(
    alignment=256,
    chained_bytes=None,
    apart_bytes=range(0),
    derivative_bytes=0,
    halves=False,
    joins=True,
    mlp=True,
)


@dataclass(frozen=True)
class Place:
    """Where a tensor lies: a space by name, first byte, length."""

    space: str
    offset: int
    nbytes: int

    @property
    def end(self) -> int:
        return self.offset + self.nbytes

    def overlaps(self, other: Place) -> bool:
        return self.space == other.space and self.offset < other.end and other.offset < self.end


@dataclass
class Step:
    """One instruction: the node, its opcode, and where each operand lies (None: absent)."""

    node: Node
    opcode: str
    operands: list[Place | None]
    tensors: list[Tensor | None]
    dims: dict[str, int]
    attrs: dict[str, float]
    barrier: bool = False
    serial: bool = False
    chained: bool = False  # a product that also does the next step, an optimizer's on its result
    halved: bool = False  # the rows of a gathered matrix may lie in two halves (halves.py)
    flops: int = 0


@dataclass(frozen=True)
class Join:
    """Steps [begin, end) of a plan, done in one launch: "block", "mlp" or "update" (join.py)."""

    kind: str
    begin: int
    end: int


@dataclass
class Plan:
    """A program, laid out: `steps` run in order."""

    steps: list[Step]
    places: dict[Tensor, Place]
    arena_bytes: int
    constants: Any  # one uint8 array
    bound: dict[str, tuple[tuple[int, ...], str]]  # name -> (shape, dtype)
    outputs: dict[str, Tensor] = field(default_factory=dict)
    joins: list[Join] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # why there are no more of them

    @property
    def flops(self) -> int:
        return sum(s.flops for s in self.steps)

    @property
    def barriers(self) -> int:
        return sum(s.barrier for s in self.steps)

    def bytes_moved(self) -> int:
        """Bytes of all operands of all steps, each counted once a step."""
        return sum(p.nbytes for s in self.steps for p in s.operands if p is not None)

    def __str__(self) -> str:
        from .dump import table

        return table(self)
