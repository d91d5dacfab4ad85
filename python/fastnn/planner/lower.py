"""From a graph to a plan: drop, fold, fuse, lay out, and one step per node that executes."""

from __future__ import annotations

import numpy as np

from fastnn.graph.node import Graph, Node
from fastnn.graph.storage import align
from fastnn.graph.tensor import Bound, Constant, Tensor, Variable
from fastnn.graph.verify import verify

from .arena import in_place, lay_out
from .chain import chain
from .fold import fold_constants
from .fuse import fuse, fuse_bias_gradients
from .halves import halve
from .hazards import place_barriers
from .join import Joined, hold, join
from .lifetimes import lifetimes, roots
from .order import live_nodes
from .plan import ARENA, CONSTANTS, CPU, SPACES, Place, Plan, Step, Target
from .signature import match_dims, signatures


def plan(
    graph: Graph,
    outputs: dict[str, Tensor] | None = None,
    homes: dict[Tensor, Place] | None = None,
    target: Target = CPU,
    check_finite: bool = False,
    keep_homes: bool = True,
) -> Plan:
    """Plans the program that computes `outputs` and every effect in `graph`.

    Args:
        outputs: tensors to keep readable in the arena after a run, by name.
        homes: tensors with a place of their own outside the arena (a parameter's gradient in the
            flat gradient buffer, a prediction in a bound array).
        target: the kind of device: `CPU` or `CUDA`.
        check_finite: after each step, one that looks for NaN and infinity in what it wrote.
        keep_homes: what has a home stays readable there after a run. If False, a gradient may never
            get there: the product that makes it hands it to the optimizer at once (chain.py).
    """
    outputs, homes = dict(outputs or {}), dict(homes or {})
    verify(graph)
    keep = set(outputs.values()) | set(homes)
    nodes = live_nodes(graph.nodes, keep)
    nodes = fold_constants(nodes, keep)
    joins = target.joins and not check_finite
    nodes = fuse(nodes, keep, target.derivative_bytes)
    if not joins:
        nodes = fuse_bias_gradients(nodes, keep, target.apart_bytes)
    nodes = live_nodes(nodes, keep)
    joined = join(nodes, keep, homes, target, keep_homes) if joins else Joined(nodes)
    nodes = joined.nodes

    root = roots(nodes)
    lives = lifetimes(nodes, outputs.values(), set(homes))
    hold(lives, joined)
    reuse = in_place(nodes, lives, root, _can_share)
    offsets, arena_bytes = lay_out(lives, target.alignment, reuse)
    places = {t: Place(ARENA, offset, t.nbytes) for t, offset in offsets.items()}
    places.update(homes)
    bound: dict[str, tuple[tuple[int, ...], str]] = {
        place.space: (t.shape, t.dtype) for t, place in homes.items() if place.space not in SPACES
    }
    constants = _place_inputs(nodes, places, bound)
    for t, source in root.items():
        places[t] = places[source]

    steps = [_step(node, places) for node in nodes if not node.op.alias]
    if check_finite:
        steps = _checked(steps)
    elif target.chained_bytes is not None:
        kept = keep if keep_homes else outputs.values()
        steps = chain(steps, places, kept, target.chained_bytes)
    if target.halves:
        halve(steps, [places[t] for t in keep])
    place_barriers(steps)
    return Plan(
        steps, places, arena_bytes, constants, bound, outputs, joined.of_steps(), joined.notes
    )


def _can_share(node: Node, i: int, o: int) -> bool:
    """May output o be written over input i? Only where the kernel's signature says so."""
    sig = signatures()[node.op.opcode(node)]
    out, source = sig.operands[sig.writes[o]], sig.operands[sig.reads[i]]
    return out.inplace and out.dtype == source.dtype and _extent(out) == _extent(source)


def _extent(operand) -> tuple:
    """The dims that an operand has where nothing is broadcast."""
    return tuple(d[1] if isinstance(d, tuple) else d for d in operand.dims)


def _place_inputs(nodes, places, bound) -> np.ndarray:
    """Adds the places of variables, bound arrays and constants; returns the constants' bytes."""
    chunks, end = [], 0
    for t in (t for node in nodes for t in node.inputs):
        if t is None or t in places:
            continue
        if isinstance(t, Variable):
            if t.space is None:
                raise AssertionError(f"variable {t.path!r} has not been laid out in a Storage")
            places[t] = Place(t.space, t.offset, t.nbytes)
        elif isinstance(t, Bound):
            if bound.setdefault(t.name, (t.shape, t.dtype)) != (t.shape, t.dtype):
                raise AssertionError(f"two bound arrays are called {t.name!r}")
            places[t] = Place(t.name, 0, t.nbytes)
        elif isinstance(t, Constant):
            places[t] = Place(CONSTANTS, end, t.nbytes)
            chunks.append((end, t.value))
            end = align(end + t.nbytes)
    buffer = np.zeros(end, np.uint8)
    for offset, value in chunks:
        buffer[offset : offset + value.nbytes] = value.reshape(-1).view(np.uint8)
    return buffer


def _step(node: Node, places: dict[Tensor, Place]) -> Step:
    opcode = node.op.opcode(node)
    sig = signatures()[opcode]
    tensors: list[Tensor | None] = [None] * len(sig.operands)
    for position, t in zip(sig.reads, node.inputs, strict=False):
        tensors[position] = t
    for position, t in zip(sig.writes, node.outputs, strict=False):
        tensors[position] = t
    dims = match_dims(sig, [None if t is None else t.shape for t in tensors], node.op.dims(node))
    values = node.op.native_attrs(node)
    attrs = {name: float(values[name]) for name in sig.attrs}
    operands = [None if t is None else places[t] for t in tensors]
    return Step(node, opcode, operands, tensors, dims, attrs, flops=node.op.flops(node))


def _checked(steps: list[Step]) -> list[Step]:
    """Adds a check_finite step for every float32 result; it names the producer by its position."""
    from fastnn.ops import registry

    checked: list[Step] = []
    for step in steps:
        producer = len(checked)
        checked.append(step)
        for operand, t in zip(step.operands, step.tensors, strict=True):
            if t in step.node.outputs and t.dtype == "float32":
                node = Node(registry["check_finite"], (t,), {"producer": producer}, step.node.label)
                dims, attrs = {"n": t.size}, {"producer": float(producer)}
                checked.append(Step(node, "check_finite", [operand], [t], dims, attrs))
    return checked
