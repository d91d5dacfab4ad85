"""The graphs of a training step, a test step and a prediction, traced from the model.

    gather rows -> forward -> loss -> backward -> clip, optimizer -> accumulate loss and metrics
    rows -> forward -> rows

Nothing is computed here: calling the layers, the loss, the metrics and the optimizer records nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastnn import ops
from fastnn.graph import Bound, Graph, Tensor, Variable, gradients
from fastnn.planner import CPU, Place, Plan, Target, fuse_losses, plan

from .parameters import Parameters


@dataclass(frozen=True)
class DataSpec:
    """Shape of one row and dtype of each array that a program takes its minibatches from."""

    x: tuple[tuple[int, ...], str]
    y: tuple[tuple[int, ...], str] | None = None
    weighted: bool = False
    ordered: bool = False


class _Minibatch:
    """Emits the gathers of one minibatch; each array at most once per dtype."""

    def __init__(self, data: DataSpec, batch: int):
        self._batch = batch
        self._order = Bound("order", (0,), "int64") if data.ordered else None
        self._sources = {"x": Bound("x", (0, *data.x[0]), data.x[1])}
        if data.y is not None:
            self._sources["y"] = Bound("y", (0, *data.y[0]), data.y[1])
        if data.weighted:
            self._sources["sample_weight"] = Bound("sample_weight", (0,), "float32")
        self._gathered: dict[tuple[str, str], Tensor] = {}

    def get(self, name: str, dtype: str = "float32") -> Tensor:
        key = (name, dtype)
        if key not in self._gathered:
            source = self._sources[name]
            self._gathered[key] = ops.gather(source, self._order, batch=self._batch, dtype=dtype)
        return self._gathered[key]


def train_plan(
    model,
    loss,
    optimizer,
    metrics,
    weighted_metrics,
    parameters: Parameters,
    loss_total: Variable,
    data: DataSpec,
    batch: int,
    check_finite: bool,
    keep_gradients: bool,
    target: Target = CPU,
) -> Plan:
    """The plan of one training step on `batch` rows."""
    with Graph() as graph:
        total = _loss_and_metrics(
            graph, model, loss, metrics, weighted_metrics, loss_total, data, batch, training=True
        )
        total = fuse_losses(graph)(total)
        homes = _gradients(graph, total, parameters)
        graph.scope = "optimizer"
        optimizer.emit(parameters)
    return plan(
        graph, homes=homes, target=target, check_finite=check_finite, keep_homes=keep_gradients
    )


def test_plan(
    model,
    loss,
    metrics,
    weighted_metrics,
    loss_total: Variable,
    data: DataSpec,
    batch: int,
    check_finite: bool,
    target: Target = CPU,
) -> Plan:
    """The plan of one evaluation step on `batch` rows."""
    with Graph() as graph:
        _loss_and_metrics(
            graph, model, loss, metrics, weighted_metrics, loss_total, data, batch, training=False
        )
        fuse_losses(graph)
    return plan(graph, target=target, check_finite=check_finite)


def call_plan(
    layer,
    x: tuple[tuple[int, ...], str],
    rows: int,
    training: bool = False,
    target: Target = CPU,
) -> Plan:
    """The plan of a layer's (a model's) forward pass on exactly `rows` rows: float32 rows are read
    where the bound array "x" lies, and the result is written where "out" lies.

    x: shape of one row, dtype.
    """
    shape, dtype = x
    with Graph() as graph:
        graph.scope = "input"
        given = Bound("x", (rows, *shape), dtype)
        rows_of_x = given if dtype == "float32" else ops.gather(given, None, batch=rows)
        y = layer(rows_of_x, training=training)
        graph.scope = "output"
        if y.node is None or y.node.op.alias:
            y = ops.copy(y)
    return plan(graph, homes={y: Place("out", 0, y.nbytes)}, target=target)


def _loss_and_metrics(
    graph, model, loss, metrics, weighted_metrics, loss_total, data, batch, training
) -> Tensor:
    """Records the forward pass; returns the loss to be minimised, penalties included."""
    rows = _Minibatch(data, batch)
    graph.scope = "input"
    x = rows.get("x")
    y_pred = model.call(x, training=training)
    graph.scope = "loss"
    weights = rows.get("sample_weight") if data.weighted else None
    total = loss.emit(rows.get("y", loss.target_dtype), y_pred, weights)
    for penalty in [*graph.losses, *_penalties(model)]:
        total = ops.add(total, penalty)
    graph.scope = "metrics"
    ops.accumulate(loss_total, total, weight=float(batch))
    if total.ndim:  # reduction=None: the mean is shown, the sum is minimised, as Keras does
        total = ops.weighted_sum(total, None, divisor=1.0)
    for metric in metrics:
        metric.emit(rows.get("y", metric.target_dtype), y_pred, None)
    for metric in weighted_metrics:
        metric.emit(rows.get("y", metric.target_dtype), y_pred, weights)
    return total


def _penalties(model) -> list[Tensor]:
    return [v.regularizer.emit(v) for v in model.trainable_weights if v.regularizer is not None]


def _gradients(graph: Graph, total: Tensor, parameters: Parameters) -> dict[Tensor, Place]:
    """Adds the backward pass; returns each gradient's place in the flat gradient buffer."""
    homes: dict[Tensor, Place] = {}
    with_grad = zip(
        parameters.variables, gradients(graph, total, parameters.variables), strict=True
    )
    for v, grad in with_grad:
        if grad is None:  # the loss does not depend on it: its gradient stays zero
            continue
        if grad.node is None or grad.node.op.alias or grad in homes:
            grad = ops.copy(grad)
        homes[grad] = parameters.home(v)
    return homes
