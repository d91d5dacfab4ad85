"""The table that `model.summary()` prints: Keras' columns, and what a row costs in each layer."""

from __future__ import annotations

import re
from typing import NamedTuple

from fastnn.graph import Graph, Tensor, Variable
from fastnn.layers.layer import Layer
from fastnn.planner.dump import count


class _Cost(NamedTuple):
    """Of one row through one layer: forward FLOPs, and bytes read and written."""

    flops: int
    bytes: int


def summary(model, expand_nested: bool = False, show_trainable: bool = False,
            layer_range=None) -> str:  # fmt: skip
    """The text of `Model.summary`.

    Raises:
        ValueError: `layer_range` is no pair of names (or patterns) of layers.
    """
    header = ["Layer (type)", "Output Shape", "Param #", "FLOPs", "Bytes"]
    if show_trainable:
        header.append("Trainable")
    shape = model.input_shape if model.built else None
    rows: list[list[str]] = []
    total = _Cost(0, 0)
    shown = _in_range(model.layers, layer_range)
    for layer in model.layers:
        cost, layer_rows = _rows(layer, shape, "", expand_nested)
        total = _Cost(total.flops + cost.flops, total.bytes + cost.bytes)
        rows += layer_rows if layer in shown else []
        shape = _after(layer, shape)
    cells = [row if show_trainable else row[:5] for row in rows]
    lines = [f'Model: "{model.name}"', _table(header, cells)]
    lines += _footer(model)
    if model.built:
        lines.append(f" A row: {count(total.flops)}FLOP forward, {count(total.bytes)}B")
    return "\n".join(lines)


def _rows(layer: Layer, shape, indent: str, expand: bool) -> tuple[_Cost, list[list[str]]]:
    """The cost of a layer, and its row; with `expand` also the rows of the layers inside."""
    cost = _Cost(0, 0) if shape is None else _cost(layer, shape)
    output = _after(layer, shape)
    params = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
    trainable = "-" if not layer.weights else "Y" if layer.trainable else "N"
    rows = [
        [
            f"{indent}{layer.name} ({type(layer).__name__})",
            "?" if output is None else f"({', '.join(map(str, output))})",
            params,
            "?" if shape is None else count(cost.flops),
            "?" if shape is None else count(cost.bytes),
            trainable,
        ]
    ]
    if expand:
        for inner in getattr(layer, "layers", ()):
            rows += _rows(inner, shape, "   " + (indent or "└ "), expand)[1]
            shape = _after(inner, shape)
    return cost, rows


def _after(layer: Layer, shape):
    return None if shape is None else tuple(layer.compute_output_shape(shape))


def _cost(layer: Layer, shape) -> _Cost:
    """What the ops that the layer emits for one row cost, before any fusion."""
    with Graph() as graph:
        layer(Tensor((1, *(1 if size is None else size for size in shape[1:]))))
    nodes = [node for node in graph.nodes if not node.op.alias]
    tensors = [t for n in nodes for t in (*n.inputs, *n.outputs) if t is not None]
    return _Cost(sum(n.op.flops(n) for n in nodes), sum(t.nbytes for t in tensors))


def _in_range(layers: list[Layer], layer_range) -> list[Layer]:
    if layer_range is None:
        return layers
    if not isinstance(layer_range, list | tuple) or [type(p) for p in layer_range] != [str, str]:
        raise ValueError(f"summary: layer_range must be a pair of names; {layer_range!r} came.")
    first = [i for i, layer in enumerate(layers) if re.match(layer_range[0], layer.name)]
    last = [i for i, layer in enumerate(layers) if re.match(layer_range[1], layer.name)]
    if not first or not last:
        raise ValueError(
            f"summary: layer_range={layer_range!r} names no layers of the model, which has "
            f"{', '.join(layer.name for layer in layers)}."
        )
    return layers[first[0] : last[-1] + 1]


def _footer(model) -> list[str]:
    trainable, frozen = _size(model.trainable_weights), _size(model.non_trainable_weights)
    lines = [
        f" Total params: {_params(trainable + frozen)}",
        f" Trainable params: {_params(trainable)}",
        f" Non-trainable params: {_params(frozen)}",
    ]
    slots = len(model.optimizer.slot_names) if model.optimizer is not None else 0
    if slots:
        lines.append(f" Optimizer params: {_params(slots * trainable)}")
    return lines


def _size(weights: list[Variable]) -> int:
    return sum(w.size for w in weights)


def _params(n: int) -> str:
    """`n` float32 values: "101,770 (397.54 KB)"."""
    size, unit = 4.0 * n, "B"
    for larger in ("KB", "MB", "GB"):
        if size >= 1024:
            size, unit = size / 1024, larger
    return f"{n:,} ({size:.2f} {unit})"


def _table(header: list[str], rows: list[list[str]]) -> str:
    """Box-drawn, the first two columns to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def rule(left, line, cross, right):
        return left + cross.join(line * (w + 2) for w in widths) + right

    def cells(row, bar):
        texts = [
            text.ljust(w) if i < 2 else text.rjust(w)
            for i, (text, w) in enumerate(zip(row, widths, strict=True))
        ]
        return f"{bar} " + f" {bar} ".join(texts) + f" {bar}"

    between = "\n" + rule("├", "─", "┼", "┤") + "\n"
    return "\n".join(
        [
            rule("┏", "━", "┳", "┓"),
            cells(header, "┃"),
            rule("┡", "━", "╇", "┩"),
            between.join(cells(row, "│") for row in rows),
            rule("└", "─", "┴", "┘"),
        ]
    )
