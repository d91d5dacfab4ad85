"""Chains: a product that makes a parameter's gradient does the optimizer's step on it too, a few
rows at a time, while they are still in the cache. The gradient itself never lies in memory.

The optimizer's instruction covers all parameters at once. The parts whose gradients come from such
products are cut out of it, each becoming an instruction right after its product; the product is
marked `chained`. What is left of the optimizer's instruction stays where it was.

That is worth it where the gradient, the parameter and its slots leave the caches. A smaller one
waits in L2 anyway, and its product may be made in halves (halves.py); products in bf16 leave the
optimizer too little time to hide in. docs/performance.md has the measurements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fastnn.graph.node import Node
from fastnn.graph.tensor import Tensor
from fastnn.precision import HIGHEST

from .plan import Place, Step
from .signature import signatures

# Operands: of an optimizer's instruction, of a product (csrc/program/product.h).
PARAMETER, GRADIENT, FACTOR_A, RESULT = 0, 1, 0, 4


def chain(
    steps: list[Step],
    places: dict[Tensor, Place],
    kept: Collection[Tensor],
    least_bytes: int = 0,
) -> list[Step]:
    """Returns the steps with the chains made that change no result and are worth it.

    A float32 product of at least `least_bytes` is chained where nothing but one optimizer's step
    looks at what it makes, and nothing between the two looks at what that step changes. Tensors in
    `kept` stay readable. `places` grows by the parts of the optimizer's operands.
    """
    after: dict[int, Step] = {}  # a part of an optimizer's step, by the position of its product
    rest: dict[int, list[Step]] = {}  # what is left of an optimizer's step, by its position
    kept_places = [places[t] for t in kept]
    for position, step in enumerate(steps):
        if not is_update(step):
            continue
        gradient = step.operands[GRADIENT]
        products = [
            i
            for i in range(position)
            if steps[i].opcode.startswith("matmul")
            and steps[i].node.attrs["precision"] == HIGHEST
            and steps[i].operands[RESULT].nbytes >= least_bytes
            and _within(steps[i].operands[RESULT], gradient)
            and not any(steps[i].operands[RESULT].overlaps(p) for p in kept_places)
        ]
        cuts = []
        for i in products:
            made = steps[i].operands[RESULT]
            begin = made.offset - gradient.offset
            part = _part(step, begin, made.nbytes, places)
            if _only_reader(steps, i, position) and _may_move(steps, i, position, part):
                steps[i].chained = True
                after[i] = part
                cuts.append((begin, begin + made.nbytes))
        if not cuts:
            continue
        rest[position] = [
            _part(step, begin, end - begin, places)
            for begin, end in _gaps(sorted(cuts), gradient.nbytes)
        ]
    made = []
    for i, step in enumerate(steps):
        made += rest.get(i, [step])
        made += [after[i]] if i in after else []
    return made


def is_update(step: Step) -> bool:
    """Is it an optimizer's step? Those begin with `parameter!, gradient`."""
    return signatures()[step.opcode].attrs[:1] == ("column",)


def touched(step: Step) -> Iterator[tuple[Place, bool]]:
    """(place, is it written?) of each operand that is there."""
    for place, operand in zip(step.operands, signatures()[step.opcode].operands, strict=True):
        if place is not None:
            yield place, operand.written


def _within(inner: Place, outer: Place) -> bool:
    return inner.space == outer.space and outer.offset <= inner.offset and inner.end <= outer.end


def _only_reader(steps: list[Step], product: int, update: int) -> bool:
    """Does no step but these two touch what the product makes?"""
    made = steps[product].operands[RESULT]
    return not any(
        place.overlaps(made)
        for i, step in enumerate(steps)
        if i not in (product, update)
        for place, _ in touched(step)
    )


def _may_move(steps: list[Step], product: int, update: int, part: Step) -> bool:
    """May `part` of the update be done while the product is, and not after what lies between?"""
    ours = list(touched(part))
    others = [o for step in steps[product + 1 : update] for o in touched(step)]
    made = part.operands[GRADIENT]
    others += [(p, w) for p, w in touched(steps[product]) if p != made]
    return not any(
        (written or was_written) and place.overlaps(other)
        for place, written in ours
        for other, was_written in others
    )


def _gaps(cuts: list[tuple[int, int]], end: int) -> Iterator[tuple[int, int]]:
    """What [0, end) has beside the cuts."""
    at = 0
    for begin, stop in [*cuts, (end, end)]:
        if at < begin:
            yield at, begin
        at = stop


def _part(step: Step, begin: int, nbytes: int, places: dict[Tensor, Place]) -> Step:
    """The optimizer's step on `nbytes` of its operands from byte `begin` on."""
    size = step.operands[PARAMETER].nbytes
    inputs: list[Tensor | None] = []
    for t, place in zip(step.tensors, step.operands, strict=True):
        if place is not None and place.nbytes == size:  # not the factor, which is one number
            t = Tensor((nbytes // 4,), t.dtype)
            places[t] = Place(place.space, place.offset + begin, nbytes)
        inputs.append(t)
    node = Node(step.node.op, inputs, step.node.attrs, step.node.label)
    operands = [None if t is None else places[t] for t in inputs]
    dims = {**step.dims, "n": nbytes // 4}
    return Step(node, step.opcode, operands, inputs, dims, step.attrs, flops=node.op.flops(node))
