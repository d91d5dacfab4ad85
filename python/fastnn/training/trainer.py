"""Trainer: the thin engine under `fit`. It plans programs, caches them, runs them on arrays."""

from __future__ import annotations

import time
from collections import OrderedDict

import numpy as np

from fastnn.graph import Storage, Variable, planning
from fastnn.planner import Plan, Target
from fastnn.precision import get_matmul_precision
from fastnn.runtime.device import check_device, default_device, parse, target_of
from fastnn.runtime.program import make_program

from .parameters import Parameters
from .step import DataSpec, call_plan, test_plan, train_plan

CHUNK_SECONDS = 0.05
MAX_PROGRAMS = 32  # per trainer; the least recently used goes first


class Trainer:
    """Trains, evaluates and runs a model.

    Args:
        model: a built or buildable `Sequential`.
        optimizer: a name ("adam"), or an `Optimizer`.
        loss: a name ("sparse_categorical_crossentropy"), a `Loss`, or a function of
            (y_true, y_pred) written with `fastnn.ops`.
        metrics, weighted_metrics: lists of names, `Metric`s or functions; the weighted ones see the
            sample weights.
        seed: of shuffling and dropout; by default taken from `fastnn.utils.set_random_seed`, or
            fresh.
        check_finite: stop at the first instruction whose result is NaN or infinite, and name it
            (slower: every result is looked at).
        keep_gradients: leave the gradients of a step readable (`parameters.gradient(v)`). Otherwise
            most of them are used up while they are made, which is faster.
        device: "cpu"; "cuda" or "cuda:1" for an NVIDIA GPU; "numpy" or "numpy:float64" for the slow
            NumPy references. By default what `fastnn.set_default_device` set.

    Raises:
        ValueError: no such device.
        RuntimeError: CUDA cannot be used here; the message says what is missing.
    """

    def __init__(
        self,
        model,
        optimizer=None,
        loss=None,
        metrics=None,
        *,
        weighted_metrics=None,
        seed: int | None = None,
        check_finite: bool = False,
        keep_gradients: bool = False,
        device: str | None = None,
    ):
        from fastnn import losses, optimizers, utils
        from fastnn import metrics as metric_room

        self.model = model
        self.optimizer = None if optimizer is None else optimizers.get(optimizer)
        self.loss = None if loss is None else losses.resolve(loss)
        self._requested = (list(metrics or []), list(weighted_metrics or []))
        for m in (*self._requested[0], *self._requested[1]):
            metric_room.check(m)
        self.metrics: list | None = None  # resolved when the shapes are known
        self.weighted_metrics: list = []
        self.named_metrics: dict = {}  # both of them by the name they have in the logs
        self.seed = utils.next_seed() if seed is None else int(seed)
        self.check_finite = check_finite
        self.keep_gradients = keep_gradients
        self.device = default_device() if device is None else device
        self._target = target_of(check_device(self.device))
        self.parameters: Parameters | None = None
        self._trainable: list[Variable] | None = None  # decided when training is first planned
        self._loss_total = Variable(np.zeros(2, np.float64), name="loss", space="state")
        self._state: Storage | None = None
        self._programs: OrderedDict = OrderedDict()
        self._seconds_per_row: dict[tuple[str, int], float] = {}
        self._caller = None
        self._holds = False

    # ---- whole ranges of rows; `fit`, `evaluate` and `predict` are loops over these

    def train_rows(
        self,
        x,
        y,
        sample_weight=None,
        order=None,
        *,
        batch_size: int,
        first_row: int = 0,
        rows: int | None = None,
    ) -> None:
        """Trains on rows [first_row, first_row + rows) of `order` (of the data, when it is None).

        x, y: C-contiguous arrays, uint8, int32, int64, float32 or float64; sample_weight: float32
        [n]; order: int64 row numbers. Steps take `batch_size` rows, the last one what is left.
        """
        self._require(optimizer=self.optimizer, loss=self.loss)
        rows = (len(x) if order is None else len(order)) - first_row if rows is None else rows
        arrays = _named(x=x, y=y, sample_weight=sample_weight, order=order)
        started = time.perf_counter()
        for batch, row, steps in _pieces(first_row, rows, batch_size):
            program = self._program("train", arrays, batch)
            iterations = self.optimizer.iterations
            table = self.optimizer.scalar_table(iterations, steps)
            program.run(
                arrays,
                steps=steps,
                row=row,
                batch=batch,
                step=iterations,
                seed=self.seed,
                scalars=table,
            )
            self.optimizer.iterations = iterations + steps
        self._measured("train", batch_size, rows, started)

    def test_rows(
        self,
        x,
        y,
        sample_weight=None,
        *,
        batch_size: int,
        first_row: int = 0,
        rows: int | None = None,
    ) -> None:
        """Adds the loss and metrics of rows [first_row, first_row + rows) to the running totals."""
        self._require(loss=self.loss)
        rows = len(x) - first_row if rows is None else rows
        arrays = _named(x=x, y=y, sample_weight=sample_weight)
        started = time.perf_counter()
        for batch, row, steps in _pieces(first_row, rows, batch_size):
            self._program("test", arrays, batch).run(arrays, steps=steps, row=row, batch=batch)
        self._measured("test", batch_size, rows, started)

    def predict_rows(
        self,
        x,
        *,
        batch_size: int,
        first_row: int = 0,
        rows: int | None = None,
        out: np.ndarray,
    ) -> None:
        """Writes the outputs of rows [first_row, first_row + rows) to the same rows of `out`. The
        CPU does them in steps of its own size, for a row's output does not depend on the others.
        """
        end = len(x) if rows is None else first_row + rows
        rows = end - first_row
        started = time.perf_counter()
        if self.caller is not None:
            self.caller(x[first_row:end], out=out[first_row:end])
        else:
            for first in range(first_row, end, batch_size):
                some = slice(first, min(first + batch_size, end))
                arrays = {"x": x[some], "out": out[some]}
                program = self._program("predict", arrays, len(arrays["x"]))
                program.run(arrays, seed=self.seed)
        self._measured("predict", batch_size, rows, started)

    @property
    def caller(self):
        """The model as a native function of arrays; None on a device that is not the CPU."""
        if self._caller is None and self.device == "cpu":
            from .caller import Caller

            self._caller = Caller(self.model, self.seed)
        return self._caller

    def _measured(self, kind: str, batch_size: int, rows: int, started: float) -> None:
        if rows:
            seconds = time.perf_counter() - started
            self._seconds_per_row[kind, batch_size] = seconds / rows

    def chunk_rows(self, batch_size: int, kind: str = "train") -> int:
        """How many rows make about 50 ms, the time between two looks at Ctrl-C and callbacks.

        kind: "train", "test" or "predict".
        """
        seconds = self._seconds_per_row.get((kind, batch_size))
        steps = 1 if not seconds else max(1, int(CHUNK_SECONDS / (seconds * batch_size)))
        return steps * batch_size

    def reset_metrics(self) -> None:
        """Starts the running means again."""
        self._loss_total.value[...] = 0
        for metric in self.all_metrics:
            metric.reset_state()

    def logs(self) -> dict[str, float]:
        """Means since the last reset: {"loss": ..., "accuracy": ...}. NaN when nothing has run."""
        total, count = self._loss_total.value
        logs = {"loss": float(total / count) if count else float("nan")}
        logs.update((name, float(m.result())) for name, m in self.named_metrics.items())
        return logs

    @property
    def all_metrics(self) -> list:
        return [*(self.metrics or []), *self.weighted_metrics]

    # ---- the thin public surface

    def fit(self, x, y=None, **kwargs):
        """Like Keras' `Model.fit`; `batch_size=None` takes the full batch (gradient descent)."""
        from .fit import fit

        return fit(self, x, y, **kwargs)

    def evaluate(self, x, y=None, **kwargs):
        """Like Keras' `Model.evaluate`; returns a dict of the loss and metrics."""
        from .fit import evaluate

        return evaluate(self, x, y, **kwargs)

    def predict(self, x, **kwargs) -> np.ndarray:
        """Like Keras' `Model.predict`."""
        from .fit import predict

        return predict(self, x, **kwargs)

    def step(self, x, y, sample_weight=None) -> dict[str, float]:
        """One optimizer step on the rows given; returns their loss and metrics."""
        from .data import as_arrays

        x, y, sample_weight = as_arrays(self, x, y, sample_weight)
        self.reset_metrics()
        self.train_rows(x, y, sample_weight, batch_size=len(x))
        return self.logs()

    def plan(self, batch_size: int = 32, training: bool = True, device: str | None = None):
        """The plan of a training step (or of a prediction): `print(trainer.plan(128))`. With
        `device="cuda"`: what it launches there, and how fast the card could be at best (a
        `DevicePlan`), with or without such a device.
        """
        if device is not None and parse(device).kind == "cuda":
            from fastnn.runtime.cuda_plan import DevicePlan

            with planning():
                plan = self._plan_of_rows(batch_size, training, target_of(parse(device)))
                return DevicePlan(plan, self.buffers, device)
        with planning():
            return self._plan_of_rows(batch_size, training, self._target)

    def _plan_of_rows(self, batch_size: int, training: bool, target: Target) -> Plan:
        x = (tuple(self.model.input_shape[1:]), "float32")
        if not training:
            return self._plan("predict", DataSpec(x), batch_size, target)
        self._require(optimizer=self.optimizer, loss=self.loss)
        y_dtype = self.loss.target_dtype
        out = tuple(self.model.output_shape[1:])
        y = (out[:-1] if y_dtype == "int32" else out, y_dtype)
        return self._plan("train", DataSpec(x, y, ordered=True), batch_size, target)

    # ---- programs

    def _require(self, **needed) -> None:
        for name, value in needed.items():
            if value is None:
                raise ValueError(
                    f"The trainer has no {name}: call model.compile(optimizer=..., "
                    f"loss=...) first, or give Trainer(..., {name}=...)."
                )

    def _program(self, kind: str, arrays: dict[str, np.ndarray], batch: int):
        with planning():
            program = self._kept_program(kind, arrays, batch)
        if self._holds:
            program.hold()
        return program

    def _kept_program(self, kind: str, arrays: dict[str, np.ndarray], batch: int):
        self._prepare(kind)
        data = DataSpec(
            x=_row(arrays["x"]),
            y=_row(arrays["y"]) if "y" in arrays else None,
            weighted="sample_weight" in arrays,
            ordered="order" in arrays,
        )
        key = (kind, data, batch, get_matmul_precision())
        program = self._programs.get(key)
        if program is None:
            plan = self._plan(kind, data, batch, self._target)
            program = self._programs[key] = make_program(plan, self.buffers, self.device)
            while len(self._programs) > MAX_PROGRAMS:
                self._programs.popitem(last=False)
        self._programs.move_to_end(key)
        return program

    @property
    def buffers(self) -> dict[str, np.ndarray]:
        """The flat buffers of model and trainer by space name, for a program."""
        return {**self.parameters.buffers, "state": self._state.buffer}

    def _plan(self, kind: str, data: DataSpec, batch: int, target: Target) -> Plan:
        """Within `planning`."""
        self._prepare(kind)
        if kind == "predict":
            return call_plan(self.model, data.x, batch, target=target)
        self._resolve_metrics(data)
        state = (self.loss, self.metrics, self.weighted_metrics)
        if kind == "test":
            return test_plan(
                self.model, *state, self._loss_total, data, batch, self.check_finite, target
            )
        loss, *metrics = state
        return train_plan(
            self.model,
            loss,
            self.optimizer,
            *metrics,
            self.parameters,
            self._loss_total,
            data,
            batch,
            self.check_finite,
            self.keep_gradients,
            target,
        )

    def _prepare(self, kind: str) -> None:
        """Lays out the variables; programs planned for an older layout are dropped.

        What is trainable when the first step is planned stays so, as in Keras: a model that is
        frozen later, to be part of another, is still trained by its own trainer.
        """
        variables = self.model.weights
        if self._state is None:
            self._state = Storage("state", [self._loss_total])
        trainable = self._trainable
        if trainable is None:
            trainable = [v for v in variables if v.trainable]
            if kind == "train":
                self._trainable = trainable
        old = self.parameters
        if old is None or not old.current(variables, trainable):
            slots = self.optimizer.slot_initial_values() if self.optimizer else []
            self.parameters = Parameters(variables, slots, trainable)
            if old is not None:  # another trainer of the same variables laid them out its own way
                self.parameters.keep_slots(old)
            self._programs.clear()

    def _resolve_metrics(self, data: DataSpec) -> None:
        """Makes the metric objects, now that the shapes are known ("accuracy" depends on them)."""
        if self.metrics is not None:
            return
        from fastnn import metrics

        y_shape, out_shape = (None, *data.y[0]), self.model.output_shape
        self.metrics, self.weighted_metrics = (
            [metrics.resolve(m, y_shape, out_shape) for m in group] for group in self._requested
        )
        self.named_metrics = told_apart(self.metrics, self.weighted_metrics)
        totals = [self._loss_total, *(v for m in self.all_metrics for v in m.variables)]
        self._state = Storage("state", totals)
        self._programs.clear()

    def hold(self) -> None:
        """Until `release`, arrays that runs are given stay as they are, and variables are looked at
        by their `value`: a device may keep copies of both."""
        self._holds = True

    def release(self) -> None:
        """Lets go of the data that the programs have bound."""
        self._holds = False
        for program in self._programs.values():
            program.release()


def told_apart(metrics: list, weighted_metrics: list) -> dict:
    """The metrics by name, as Keras names them: "accuracy", a second one "accuracy_1", a weighted
    one whose name is taken "weighted_accuracy".
    """
    named: dict = {}
    count = {"loss": 1}
    for prefix, group in (("", metrics), ("weighted_", weighted_metrics)):
        for m in group:
            name = m.name if m.name not in count else prefix + m.name
            taken = count.get(name, 0)
            count[name] = taken + 1
            named[f"{name}_{taken}" if taken else name] = m
    return named


def _named(**arrays) -> dict[str, np.ndarray]:
    return {name: a for name, a in arrays.items() if a is not None}


def _row(array: np.ndarray) -> tuple[tuple[int, ...], str]:
    return tuple(array.shape[1:]), array.dtype.name


def _pieces(first: int, rows: int, batch: int):
    """(batch, first row, steps) of the full steps, then of the short last one."""
    full, rest = divmod(rows, batch)
    if full:
        yield batch, first, full
    if rest:
        yield rest, first + full * batch, 1
