"""Joins: instructions that a GPU does in one launch, where a launch takes longer than the work.

- `update`: the gradients of parameters, the optimizer's step on each as soon as it is known, and
  the sums of losses and metrics. It ends the step.
- `mlp`: the forward and backward pass of a whole network of products and activations, at most
  WIDEST wide behind its input, with the loss between them: some rows a thread block.
- `block`: small instructions one after another, by one thread block.

The instructions stay what they are: a plan without its joins computes the same. Nodes change places
only so that those of a join come one after another.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass, field

from fastnn.graph.node import Node
from fastnn.graph.tensor import Tensor, Variable

from .fuse import fuse_bias_gradients, goes_back, sums_rows
from .lifetimes import Life, roots
from .order import consumers
from .plan import Join, Place, Target
from .signature import signatures

# csrc/cuda/device/small.h has the same lists: instructions of which a row needs nothing of another
# row, and sums over a minibatch.
BY_ROWS = frozenset(
    """gather mean_squared_error mean_squared_error_grad half_squared_error half_squared_error_grad
    mean_absolute_error mean_absolute_error_grad huber huber_grad sigmoid_crossentropy
    sigmoid_crossentropy_grad softmax_crossentropy softmax_crossentropy_grad
    sparse_softmax_crossentropy sparse_softmax_crossentropy_grad sparse_categorical_accuracy
    categorical_accuracy binary_accuracy""".split()
)
SUMS = frozenset(["weighted_sum", "accumulate"])

MOST_SMALL = 16  # small instructions of a launch
SMALL = 1 << 14  # elements: what one block does beside the others
WIDEST, MOST_LAYERS = 128, 8
# Parameters, and optimizer's instructions: with what lies between the parameters, no more parts
# than csrc/cuda/kernels/step_update.cu has room for.
MOST_PARAMETERS, MOST_UPDATES = 28, 4
# A tile of a gradient is one block's, whatever it takes: larger products are better off with their
# own kernel.
MOST_FLOPS, MOST_ROWS = 1 << 28, 1024


@dataclass
class Joined:
    """Nodes in their new order, which of them are joined, and why others are not."""

    nodes: list[Node]
    groups: list[tuple[str, list[Node]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def ranges(self) -> list[tuple[str, int, int]]:
        """(kind, begin, end) of each group, as positions in `nodes`."""
        position = {node: i for i, node in enumerate(self.nodes)}
        return [(kind, position[g[0]], position[g[-1]] + 1) for kind, g in self.groups]

    def of_steps(self) -> list[Join]:
        """The same as positions in a plan's steps, which have no aliases."""
        before = list(itertools.accumulate((not n.op.alias for n in self.nodes), initial=0))
        return [Join(kind, before[begin], before[end]) for kind, begin, end in self.ranges()]


def join(
    nodes: list[Node],
    keep: set[Tensor],
    homes: dict[Tensor, Place],
    target: Target,
    keep_homes: bool,
) -> Joined:
    """Finds the joins of a program. `homes`: where tensors lie that are not in the arena; with
    `keep_homes` they must get there."""
    made = Joined(nodes)
    update, why = _update(nodes, homes, keep_homes)
    if why:
        made.notes.append(f"no update join: {why}")
        nodes = fuse_bias_gradients(nodes, keep)
    joined = set(update)
    rest = [n for n in nodes if n not in joined]
    network: list[Node] = []
    if target.mlp and update:
        network, why = _mlp(rest, nodes, joined)
        if why:
            made.notes.append(f"no mlp join: {why}")
    if network:
        made.groups.append(("mlp", network))
        rest = network
    else:
        made.groups += [("block", g) for g in _blocks(rest)]
    if update:
        made.groups.append(("update", update))
    made.nodes = [*rest, *update]
    return made


def hold(lives: list[Life], joined: Joined) -> None:
    """What a join touches lies in its own bytes for all of it: its blocks are at different places.
    A `block` join does one thing after the other and needs nothing."""
    for kind, begin, end in joined.ranges():
        if kind == "block":
            continue
        for life in lives:
            if begin <= life.first < end:
                life.first = begin
            if begin <= life.last < end:
                life.last = end - 1


# ---- update


def _update(
    nodes: list[Node], homes: dict[Tensor, Place], keep_homes: bool
) -> tuple[list[Node], str]:
    """The nodes of the step's end, or none and why."""
    steps = [n for n in nodes if _is_optimizer(n)]
    if not steps:
        return [], "nothing is trained"
    if keep_homes:
        return [], "gradients are to be kept"
    if any(n.op is not steps[0].op for n in steps) or len(steps) > MOST_UPDATES:
        return [], "the optimizer's steps are of several kinds, or too many"
    if any(n.inputs[-1] is not None for n in steps):
        return [], "gradients are clipped by their norm, which needs all of them first"
    ranges = [n.inputs[1] for n in steps]
    products, flops = [], 0
    users = consumers(nodes)
    for node in nodes:
        home = homes.get(node.outputs[0]) if node.outputs else None
        mine = home is not None and any(_lies_in(home, r) for r in ranges)
        if mine and not users.get(node.outputs[0]) and _makes_gradient(node):
            flops += node.op.flops(node)
            rows = node.inputs[0].shape[0]
            if flops > MOST_FLOPS or rows > MOST_ROWS:
                return [], f"gradients from {rows} rows, {flops / 1e6:.0f} MFLOP, are too much"
            products.append(node)
        elif node not in steps and any(_reads(node, r) for r in ranges):
            return [], f"{node.op.name} looks at the gradients too"
    if not products:
        return [], "no product makes a gradient"
    if len(products) > MOST_PARAMETERS:
        return [], f"{len(products)} parameters are too many"
    ours = {*products, *steps}
    small = 0
    for node in reversed(nodes):
        readers = [u for t in node.outputs for u in users.get(t, [])]
        ends = node.op.effect or (bool(readers) and all(u in ours for u in readers))
        if node.op.name in SUMS and ends and _is_small(node) and small < MOST_SMALL:
            if not any(t in homes for t in node.outputs):
                ours.add(node)
                small += 1
    last = nodes.index(steps[0])
    if any(n not in ours and not n.op.alias for n in nodes[last:]):
        return [], "something is done after the optimizer"
    return [n for n in nodes if n in ours], ""


def _is_optimizer(node: Node) -> bool:
    if node.op.alias:
        return False
    return signatures()[node.op.opcode(node)].attrs[:1] == ("column",)


def _makes_gradient(node: Node) -> bool:
    if node.op.name == "matmul":
        return node.attrs["transpose_a"] and not node.attrs["transpose_b"]
    return sums_rows(node)


def _lies_in(home: Place, gradients: Variable) -> bool:
    begin = gradients.offset
    return home.space == gradients.space and begin <= home.offset < begin + gradients.nbytes


def _reads(node: Node, gradients: Variable) -> bool:
    return any(
        isinstance(t, Variable)
        and t.space == gradients.space
        and t.offset < gradients.offset + gradients.nbytes
        and gradients.offset < t.offset + t.nbytes
        for t in node.inputs
    )


# ---- mlp


def _mlp(rest: list[Node], nodes: list[Node], update: Collection[Node]) -> tuple[list[Node], str]:
    """The nodes of `rest` in the order gather, products, loss, products back; or none and why."""
    root = roots(nodes)
    users: dict[Tensor, list[Node]] = {}
    for node in nodes:
        for t in node.inputs:
            if t is not None and not node.op.alias:
                users.setdefault(root.get(t, t), []).append(node)
    aliases = [n for n in rest if n.op.alias]
    first = next((n for n in rest if n.op.name == "gather"), None)
    if first is None or first.outputs[0].dtype != "float32":
        return [], "there is no minibatch of float32"
    layers, at = [], first.outputs[0]
    while (layer := _layer_on(users.get(at, []), root, at)) is not None:
        layers.append(layer)
        at = layer.outputs[0]
    if not layers:
        return [], f"{_names(users.get(first.outputs[0], []))} reads the minibatch, not a product"
    for node in users.get(first.outputs[0], []):
        if node is not layers[0] and node not in update:
            return [], f"{node.op.name} reads the minibatch too"
    widest = max(layer.outputs[0].shape[1] for layer in layers)
    if widest > WIDEST or len(layers) > MOST_LAYERS:
        return [], f"{len(layers)} layers, at most {widest} wide: it does {MOST_LAYERS} of {WIDEST}"
    back, why = _backward(layers, users, root)
    if why:
        return [], why
    ours = {first, *aliases, *layers, *back}
    loss = [n for n in rest if n not in ours]
    inside = {t for n in back for t in n.outputs}
    for node in loss:
        what = f"{node.op.name} of {node.label or 'the loss'}"
        if not _is_by_rows(node, first.outputs[0].shape[0]):
            return [], f"{what} is none of its instructions"
        if not _is_small(node):
            shapes = ", ".join(str(list(t.shape)) for t in node.outputs)
            return [], f"{what} makes {shapes}: it does {SMALL} elements, {WIDEST} a row"
        if any(root.get(t, t) in inside for t in node.inputs):
            return [], f"{node.op.name} looks at a gradient inside the network"
    if len(loss) > MOST_SMALL:
        return [], "there are too many losses and metrics"
    return [first, *aliases, *layers, *loss, *back], ""


def _layer_on(readers: list[Node], root: dict, at: Tensor) -> Node | None:
    """The one product that takes `at` to the next layer."""
    found = [
        n
        for n in readers
        if n.op.name in ("matmul", "linear")
        and root.get(n.inputs[0], n.inputs[0]) is at
        and isinstance(n.inputs[1], Variable)
        and not n.attrs["transpose_a"]
        and not n.attrs["transpose_b"]
    ]
    return found[0] if len(found) == 1 else None


def _backward(layers: list[Node], users: dict, root: dict) -> tuple[list[Node], str]:
    """Of each layer but the first, from the last on: the product that makes the gradient of its
    input, down to the gradient of the activation before it."""
    back: list[Node] = []
    error = None  # the gradient of the last output; the loss makes it
    for layer, before in zip(layers[:0:-1], layers[-2::-1], strict=True):
        products = [
            n for n in users.get(layer.inputs[1], [])
            if goes_back(n) and n.attrs["transpose_b"] and not n.attrs["transpose_a"]
        ]  # fmt: skip
        if len(products) != 1:
            return [], f"{layer.label!r} has {len(products)} gradients of its input"
        (product,) = products
        if error is not None and root.get(product.inputs[0], product.inputs[0]) is not error:
            return [], f"{layer.label!r} does not follow {before.label!r} on the way back"
        back.append(product)
        error = product.outputs[0]
        name = before.attrs.get("activation", "linear")
        if product.attrs.get("activation", "linear") != name:
            return [], f"the gradient of {name} in {before.label!r} is not all that follows"
    return back, ""


def _is_by_rows(node: Node, rows: int) -> bool:
    return node.op.name in BY_ROWS and all(
        t.ndim in (1, 2) and t.shape[0] == rows for t in node.outputs
    )


def _names(nodes: list[Node]) -> str:
    return ", ".join(n.op.name for n in nodes) or "nothing"


# ---- block


def _blocks(rest: list[Node]) -> list[list[Node]]:
    """Runs of small nodes."""
    runs: list[list[Node]] = [[]]
    for node in rest:
        small = node.op.name in BY_ROWS | SUMS and _is_small(node)
        if not small or len(runs[-1]) == MOST_SMALL:
            runs.append([])
        if small:
            runs[-1].append(node)
    return [run for run in runs if len(run) > 1]


def _is_small(node: Node) -> bool:
    return all(t.size <= SMALL and max(t.shape[1:], default=1) <= WIDEST for t in node.outputs)
