"""The network behind Keras' API: the same lines for Keras and for fastnn.

A `fit` runs in a thread of its own for as long as the process lives, and waits before each epoch
until one is asked for, so that an epoch costs what it costs in the middle of a long training.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from task import Task, task_of, telling

FOREVER = 10**6


def model_of(k: Any, task: Task, **compile_options: Any) -> Any:
    """k: `keras` or `fastnn.keras`."""
    hidden = [k.layers.Dense(n, activation="relu") for n in task.sizes[1:-1]]
    last = k.layers.Dense(task.sizes[-1], activation="softmax")
    model = k.Sequential([k.Input((task.sizes[0],)), *hidden, last])
    model.set_weights(task.weights)
    model.compile(k.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", **compile_options)
    return model


def prepare(
    k: Any,
    case: str,
    chosen: SimpleNamespace,
    fit_of: Callable[[Any], Callable] = lambda model: model.fit,
    **compile_options: Any,
) -> Callable[[], dict]:
    """A case that trains an epoch, and tells its losses."""
    task = task_of(case, chosen)
    run = fit_of(model_of(k, task, **compile_options))
    asked, done = threading.Semaphore(0), threading.Semaphore(0)
    seen = {}

    class Turns(k.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            asked.acquire()

        def on_epoch_end(self, epoch, logs=None):
            seen["loss"] = logs["loss"]
            done.release()

    def fit() -> None:
        how = {"batch_size": task.batch, "epochs": FOREVER, "verbose": 0}
        run(task.x, task.y, callbacks=[Turns()], **how)

    threading.Thread(target=fit, daemon=True).start()

    def epoch() -> float:
        asked.release()
        done.acquire()
        return seen["loss"]

    return telling(epoch)
