"""Callbacks: which hooks are called, with what, and what the standard ones then do."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import numpy as np

from tests.keras_parity.behaviour_cases import (
    LABELS,
    NUMBERS,
    X,
    classifier,
    network,
    record,
    scenario,
)

HOOKS = [
    f"on_{mode}{batch}_{moment}"
    for mode in ("train", "test", "predict")
    for batch in ("", "_batch")
    for moment in ("begin", "end")
] + ["on_epoch_begin", "on_epoch_end"]


def recorder(k, calls):
    """A callback that writes down every call: [hook, epoch or batch if any, logs]."""

    def remember(hook):
        def method(self, *arguments):
            *number, logs = arguments
            logs = dict(logs or {})
            logs.pop("outputs", None)
            calls.append([hook, *number, logs])

        if "batch" in hook or "epoch" in hook:
            return lambda self, number, logs=None: method(self, number, logs)
        return lambda self, logs=None: method(self, logs)

    methods = {hook: remember(hook) for hook in HOOKS}
    return type("Recorder", (k.callbacks.Callback,), methods)()


@scenario
def hooks(k):
    calls = []
    model = classifier(k, metrics=["accuracy"])
    callback = recorder(k, calls)
    record(model, X, LABELS, epochs=2, validation_data=(X[:10], LABELS[:10]), callbacks=[callback])
    model.evaluate(X, LABELS, batch_size=16, verbose=0, callbacks=[callback])
    model.predict(X, batch_size=16, verbose=0, callbacks=[callback])
    return calls


@scenario
def stop_within_an_epoch(k):
    class Stop(k.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                self.model.stop_training = True

    options = {"callbacks": [Stop()], "validation_data": (X, LABELS)}
    return record(classifier(k), X, LABELS, **options)


@scenario
def lambda_callback(k):
    calls = []
    callback = k.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: calls.append(["begin", epoch]),
        on_epoch_end=lambda epoch, logs: calls.append(["end", epoch, logs["loss"]]),
        on_train_batch_end=lambda batch, logs: calls.append(["batch", batch, logs["loss"]]),
        on_train_end=lambda logs: calls.append(["finished"]),
    )
    record(classifier(k), X, LABELS, epochs=2, callbacks=[callback])
    return calls


@scenario
def learning_rate_scheduler(k):
    scheduler = k.callbacks.LearningRateScheduler
    return [
        record(classifier(k), X, LABELS, callbacks=[scheduler(lambda epoch: 0.1 / (epoch + 1))]),
        record(classifier(k), X, LABELS, callbacks=[scheduler(lambda epoch, rate: rate * 0.5)]),
    ]


@scenario
def terminate_on_nan(k):
    target = NUMBERS.copy()
    target[12] = np.nan  # in the second batch
    model = network(k, 1, "linear")
    model.compile("sgd", "mse")
    calls = []
    callbacks = [k.callbacks.TerminateOnNaN(), recorder(k, calls)]
    result = record(model, X, target, callbacks=callbacks)
    return {"epoch": result["epoch"], "loss": result["history"]["loss"], "calls": calls}


@scenario
def history_twice(k):
    """A second `fit` starts a new history; `model.history` is the last one."""
    model = classifier(k)
    first = model.fit(X, LABELS, epochs=2, verbose=0, shuffle=False)
    second = model.fit(X, LABELS, epochs=1, verbose=0, shuffle=False)
    same = model.history is second
    return [first.history, first.epoch, second.history, second.epoch, same]


@scenario
def csv_logger(k):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        for append, epochs in ((False, 2), (True, 1)):
            logger = k.callbacks.CSVLogger(str(path), separator=";", append=append)
            model = classifier(k, metrics=["accuracy"])
            record(model, X, LABELS, epochs=epochs, callbacks=[logger])
        rows = list(csv.reader(path.read_text().splitlines(), delimiter=";"))
    return [rows[0]] + [[number(cell) for cell in row] for row in rows[1:]]


def number(cell):
    try:
        return float(cell)
    except ValueError:
        return cell


class CountingModel:
    """What a callback needs of a model; the "weights" are the number of the epoch."""

    stop_training = False
    epoch = 0
    restored = None
    metrics = ()

    def get_weights(self):
        return self.epoch

    def set_weights(self, weights):
        self.restored = weights


def follow(callback, logs_of_epochs):
    """Runs a callback's epoch hooks; returns where that led."""
    model = CountingModel()
    callback.set_model(model)
    callback.on_train_begin()
    for model.epoch, logs in enumerate(logs_of_epochs):
        callback.on_epoch_begin(model.epoch)
        callback.on_epoch_end(model.epoch, dict(logs))
        if model.stop_training:
            break
    callback.on_train_end()
    return [model.epoch, model.stop_training, model.restored]


@scenario
def early_stopping(k):
    """The last epoch, whether it stopped, and which epoch's weights it restored."""
    curves = {
        "falling": [5, 4, 3, 2, 1],
        "rising": [1, 2, 3, 4, 5],
        "bowl": [5, 3, 2, 2.5, 2.2, 2.1, 1.9, 3],
        "flat": [2, 2, 2, 2, 2],
        "creeping": [5, 4.95, 4.9, 4.85, 4.8, 4.75],
        "nan": [3, float("nan"), 2, float("nan"), float("nan")],
    }
    options = [
        {},
        {"patience": 2},
        {"patience": 2, "restore_best_weights": True},
        {"patience": 1, "min_delta": 0.1},
        {"mode": "max", "patience": 1, "restore_best_weights": True},
        {"mode": "max", "min_delta": 0.5, "patience": 2},
        {"baseline": 2.4, "patience": 2},
        {"baseline": 2.4, "patience": 3, "restore_best_weights": True},
        {"start_from_epoch": 3, "patience": 1, "restore_best_weights": True},
        {"patience": 0, "restore_best_weights": True},
    ]
    return {
        f"{name}/{index}": follow(
            k.callbacks.EarlyStopping("val_loss", **({"mode": "min"} | chosen)),
            [{"loss": 0.0, "val_loss": float(value)} for value in curve],
        )
        for name, curve in curves.items()
        for index, chosen in enumerate(options)
    }


@scenario
def early_stopping_in_fit(k):
    """Which way is better comes from the metric; the weights are those of the best epoch."""
    results = []
    for monitor in ("loss", "accuracy", "val_accuracy"):
        callback = k.callbacks.EarlyStopping(monitor, patience=1, restore_best_weights=True)
        model = classifier(k, metrics=["accuracy"])
        model.optimizer.learning_rate = 1.5
        options = {"epochs": 8, "validation_split": 0.3, "callbacks": [callback]}
        results.append(record(model, X, LABELS, **options))
    return results


@scenario
def model_checkpoint(k):
    """The names of the files that are there in the end, without their suffix."""
    suffix = ".weights.h5" if k.__name__ == "keras" else ".safetensors"
    results = []
    for pattern, options in (
        ("last", {}),
        ("epoch-{epoch:02d}", {}),
        ("best-{epoch}", {"save_best_only": True, "monitor": "loss"}),
        ("worst-{epoch}", {"save_best_only": True, "monitor": "loss", "mode": "max"}),
        ("{epoch}-{batch}", {"save_freq": 3}),
        ("low-{epoch}", {"save_best_only": True, "monitor": "loss", "initial_value_threshold": 0}),
    ):
        with tempfile.TemporaryDirectory() as folder:
            callback = k.callbacks.ModelCheckpoint(
                f"{folder}/{pattern}{suffix}", save_weights_only=True, **options
            )
            record(classifier(k), X, LABELS, callbacks=[callback])
            results.append(
                sorted(path.name.removesuffix(suffix) for path in Path(folder).iterdir())
            )
    return results
