"""One block of memory for all temporary buffers: those that never live together may share bytes."""

from __future__ import annotations

from fastnn.graph.storage import align
from fastnn.graph.tensor import Tensor

from .lifetimes import Life


def lay_out(
    lives: list[Life], alignment: int, reuse: dict[Tensor, Tensor] | None = None
) -> tuple[dict[Tensor, int], int]:
    """Offsets of the buffers, and the size of the arena.

    Largest first, each at the lowest offset where it meets no buffer alive at the same time (the
    "greedy by size" of Pisarchyk & Lee, 2020, arXiv:2001.03288). `reuse[t] = s` says that t is
    written in place over s: the two are one buffer.
    """
    merged, owner = _merge(lives, reuse or {})
    offsets: dict[Tensor, int] = {}
    placed: list[tuple[int, int, Life]] = []  # (offset, end, life), by offset
    for life in sorted(merged, key=lambda x: (-x.nbytes, x.first)):
        at = 0
        for begin, end, other in placed:
            if other.first <= life.last and life.first <= other.last:
                if at + life.nbytes <= begin:
                    break
                at = max(at, align(end, alignment))
        offsets[life.tensor] = at
        placed.append((at, at + life.nbytes, life))
        placed.sort(key=lambda x: x[0])
    total = max((end for _, end, _ in placed), default=0)
    return {x.tensor: offsets[owner[x.tensor]] for x in lives}, align(total, alignment)


def _merge(lives: list[Life], reuse: dict[Tensor, Tensor]) -> tuple[list[Life], dict]:
    """Lives of whole buffers, and for each tensor the one whose buffer it uses."""
    merged: dict[Tensor, Life] = {}
    owner: dict[Tensor, Tensor] = {}
    for life in lives:
        head = owner.get(reuse.get(life.tensor))
        if head is None:
            owner[life.tensor] = life.tensor
            merged[life.tensor] = Life(life.tensor, life.nbytes, life.first, life.last)
        else:
            owner[life.tensor] = head
            merged[head].last = max(merged[head].last, life.last)
    return list(merged.values()), owner


def in_place(nodes: list, lives: list[Life], root: dict, can_share) -> dict[Tensor, Tensor]:
    """Which output may be written over which dying input: {output: input}.

    `can_share(node, input position, output position)` asks the kernel's signature.
    """
    life = {x.tensor: x for x in lives}
    reuse: dict[Tensor, Tensor] = {}
    taken: set[Tensor] = set()
    for position, node in enumerate(nodes):
        for o, out in enumerate(node.outputs):
            for i, t in enumerate(node.inputs):
                source = root.get(t, t)
                if (
                    out in life
                    and source in life
                    and source not in taken
                    and life[source].last == position
                    and life[source].nbytes == out.nbytes
                    and sum(root.get(u, u) is source for u in node.inputs) == 1
                    and can_share(node, i, o)
                ):
                    reuse[out] = source
                    taken.add(source)
                    break
    return reuse
