"""The founding network behind Keras' API: the same lines for Keras and for fastnn.

One `fit` runs for as long as the driver asks; a callback waits before each epoch and reports after
it, so that an epoch costs what it costs in the middle of a long training.
"""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from data import mnist
from protocol import answer, commands

FOREVER = 10**6


class Finished(Exception):
    """Leaves `fit` from within a callback."""


def work(k: Any, chosen: SimpleNamespace, versions: dict[str, str], **compile_options: Any) -> None:
    """Serve the driver with k: `keras` or `fastnn.keras`."""
    k.utils.set_random_seed(chosen.seed)
    x_train, y_train, x_test, y_test = mnist(chosen)
    model = k.Sequential(
        [
            k.Input((784,)),
            k.layers.Dense(128, activation="relu"),
            k.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", **compile_options)

    class Driver(k.callbacks.Callback):
        lines = commands()

        def on_epoch_begin(self, epoch, logs=None):
            if next(self.lines).word == "finish":
                raise Finished
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            answer(seconds=[time.perf_counter() - self.start], loss=logs["loss"])

    answer(versions=versions, threads=chosen.threads)
    try:
        model.fit(x_train, y_train, chosen.batch, FOREVER, verbose=0, callbacks=[Driver()])
    except Finished:
        predicted = model.predict(x_test, chosen.batch, verbose=0).argmax(axis=1)
        answer(test_accuracy=float((predicted == y_test).mean()))
