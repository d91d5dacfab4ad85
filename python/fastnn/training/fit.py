"""The loops of fit, evaluate and predict: hand the engine a chunk of work, look up, go on.

    feed -> chunk (about 50 ms of minibatches) -> engine -> callbacks, Ctrl-C -> next chunk

`Model` and `Trainer` both end here; the arguments are those of Keras, described at `Model.fit`.
`model` is what callbacks see: by default the trainer's.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable

import numpy as np

from fastnn.runtime.device_array import DeviceArray
from fastnn.runtime.interop import empty_like

from .arguments import due, fraction, optional_whole, shuffling, verbosity, whole
from .callbacks import CallbackList, History, ProgbarLogger
from .data import (
    ArrayFeed,
    Chunk,
    as_array,
    as_inputs,
    is_array_like,
    make_feed,
    split_validation,
)

DEFAULT_BATCH = 32  # Keras'
STOP = {"train": "stop_training", "test": "stop_evaluating", "predict": "stop_predicting"}


def fit(trainer, x=None, y=None, *, batch_size=None, epochs=1, verbose="auto", callbacks=None,
        validation_split=0.0, validation_data=None, shuffle=True, class_weight=None,
        sample_weight=None, initial_epoch=0, steps_per_epoch=None, validation_steps=None,
        validation_batch_size=None, validation_freq=1, model=None) -> History:  # fmt: skip
    """Trains for the epochs [initial_epoch, epochs). `batch_size=None`: all rows in one step."""
    model = trainer.model if model is None else model
    verbose = 1 if verbosity(verbose) == "auto" else int(verbose)
    epochs, initial_epoch = whole("epochs", epochs), whole("initial_epoch", initial_epoch)
    batch_size = optional_whole("batch_size", batch_size)
    test_size = optional_whole("validation_batch_size", validation_batch_size) or batch_size
    test_steps = optional_whole("validation_steps", validation_steps)
    due(0, validation_freq)
    if fraction("validation_split", validation_split) and validation_data is None:
        (x, y, sample_weight), validation_data = _split(x, y, sample_weight, validation_split)
    feed = make_feed(
        trainer, x, y, sample_weight, class_weight, batch_size=batch_size,
        steps=optional_whole("steps_per_epoch", steps_per_epoch), shuffle=shuffling(shuffle),
    )  # fmt: skip
    _require_batch(feed, x)
    test_feed = None
    if validation_data is not None:
        parts = _validation_parts(validation_data)
        test_feed = make_feed(trainer, *parts, batch_size=test_size, steps=test_steps)

    params = {"verbose": verbose, "epochs": epochs, "steps": feed.steps}
    callbacks = CallbackList(callbacks, model, history=True, params=params)
    model.history = callbacks.history
    model.stop_training = False
    logs = None
    with _running(trainer, callbacks, model):
        callbacks.call("on_train_begin", None)
        for epoch in range(initial_epoch, epochs):
            if not feed.ready():
                _warn_exhausted(f"epoch {epoch + 1} of {epochs}: training ends")
                break
            trainer.reset_metrics()
            callbacks.call("on_epoch_begin", epoch, None)
            logs = _train(trainer, feed, callbacks, model)
            if test_feed is not None and due(epoch, validation_freq):
                test_feed.rewind()
                if test_feed.ready():
                    test_logs = _test(trainer, test_feed, callbacks, model)
                    logs.update((f"val_{name}", value) for name, value in test_logs.items())
                else:
                    _warn_exhausted(f"the validation of epoch {epoch + 1}: it is left out")
            callbacks.call("on_epoch_end", epoch, logs)
            if model.stop_training:
                break
        callbacks.call("on_train_end", logs)
    return callbacks.history


def evaluate(trainer, x=None, y=None, *, batch_size=DEFAULT_BATCH, verbose="auto",
             sample_weight=None, steps=None, callbacks=None,
             model=None) -> dict[str, float]:  # fmt: skip
    """The loss and metrics of the data, by name. Nothing is shuffled or changed."""
    model = trainer.model if model is None else model
    verbose = 1 if verbosity(verbose) == "auto" else int(verbose)
    feed = make_feed(
        trainer, x, y, sample_weight, batch_size=optional_whole("batch_size", batch_size),
        steps=optional_whole("steps", steps),
    )  # fmt: skip
    _require_batch(feed, x)
    params = {"verbose": verbose, "epochs": 1, "steps": feed.steps}
    callbacks = CallbackList(callbacks, model, params=params)
    with _running(trainer, callbacks, model):
        return _test(trainer, feed, callbacks, model)


def predict(trainer, x, *, batch_size=DEFAULT_BATCH, verbose="auto", steps=None, callbacks=None,
            model=None):  # fmt: skip
    """The model's outputs for all rows of the data, float32: a NumPy array; for rows that lie on a
    device an array there."""
    model = trainer.model if model is None else model
    if steps is None and callbacks is None and _one_silent_batch(x, batch_size, verbose):
        if trainer.caller is not None:
            model.stop_predicting = False
            return trainer.caller(x)
    feed = make_feed(
        trainer, x, batch_size=optional_whole("batch_size", batch_size),
        steps=optional_whole("steps", steps), predict=True,
    )  # fmt: skip
    _require_batch(feed, x)
    params = {"verbose": verbosity(verbose), "epochs": 1, "steps": feed.steps}
    callbacks = CallbackList(callbacks, model, params=params)
    whole_out = given_out = None
    if isinstance(feed, ArrayFeed):
        rows = feed.arrays[0]
        shape = (feed.rows, *_row_shape(model, rows))
        if isinstance(rows, DeviceArray):  # what comes out is x's library's, and beside x
            given_out, whole_out = empty_like([x], shape, "float32", rows.index, rows.stream)
        else:
            given_out = whole_out = np.empty(shape, np.float32)
    parts: list[np.ndarray] = []

    def work(c: Chunk) -> dict[str, np.ndarray]:
        out = whole_out
        if out is None:
            out = np.empty((c.rows, *_row_shape(model, c.x)), np.float32)
        trainer.predict_rows(
            c.x, batch_size=c.batch_size, first_row=c.first_row, rows=c.rows, out=out
        )
        parts.append(out[c.first_row : c.first_row + c.rows])
        return {"outputs": parts[-1]}

    with _running(trainer, callbacks, model):
        model.stop_predicting = False
        callbacks.call("on_predict_begin", None)
        _loop("predict", trainer, feed, callbacks, model, work)
        callbacks.call("on_predict_end", None)
    if whole_out is None:
        return np.concatenate(parts)
    done = sum(map(len, parts))
    return given_out if done == len(whole_out) else given_out[:done]


def _one_silent_batch(x, batch_size, verbose) -> bool:
    """Is x an array of one batch, and is there nothing to show? Then a call is all of it."""
    if type(x) is not np.ndarray or not x.ndim or (verbose != "auto" and verbosity(verbose) != 0):
        return False
    return batch_size is None or (type(batch_size) is int and len(x) <= batch_size)


def _train(trainer, feed, callbacks: CallbackList, model) -> dict[str, float]:
    def work(c: Chunk) -> dict[str, float]:
        trainer.train_rows(
            c.x, c.y, c.sample_weight, c.order,
            batch_size=c.batch_size, first_row=c.first_row, rows=c.rows,
        )  # fmt: skip
        return _sorted_logs(trainer)

    _loop("train", trainer, feed, callbacks, model, work)
    return _sorted_logs(trainer)


def _test(trainer, feed, callbacks: CallbackList, model) -> dict[str, float]:
    def work(c: Chunk) -> dict[str, float]:
        trainer.test_rows(
            c.x, c.y, c.sample_weight,
            batch_size=c.batch_size, first_row=c.first_row, rows=c.rows,
        )  # fmt: skip
        return _sorted_logs(trainer)

    trainer.reset_metrics()
    model.stop_evaluating = False
    callbacks.call("on_test_begin", None)
    _loop("test", trainer, feed, callbacks, model, work)
    logs = _sorted_logs(trainer)
    callbacks.call("on_test_end", logs)
    return logs


def _loop(mode: str, trainer, feed, callbacks: CallbackList, model,
          work: Callable[[Chunk], dict]) -> None:  # fmt: skip
    """One epoch of `feed`: `work` does a chunk and returns its logs."""
    per_batch = callbacks.per_batch(mode)

    def batches_at_once() -> int:
        return 1 if per_batch else trainer.chunk_rows(feed.batch_size, mode) // feed.batch_size

    done = 0
    for chunk in feed.chunks(batches_at_once):
        for callback in per_batch:
            getattr(callback, f"on_{mode}_batch_begin")(done, None)
        logs = work(chunk)
        done += chunk.batches
        for callback in per_batch:
            getattr(callback, f"on_{mode}_batch_end")(done - 1, logs)
        callbacks.call(f"on_{mode}_chunk_end", done - 1, logs)
        if getattr(model, STOP[mode]):
            break


def _sorted_logs(trainer) -> dict[str, float]:
    """By name, as Keras orders them."""
    return dict(sorted(trainer.logs().items()))


def predict_batch(trainer, x):
    """The model's outputs for x, in one step on the trainer's device."""
    if trainer.caller is not None:
        return trainer.caller(x)
    return predict(trainer, x, batch_size=len(as_inputs(x, trainer.model)), verbose=0)


def _row_shape(model, x: np.ndarray) -> tuple[int, ...]:
    shape = model.output_shape[1:]
    return model.compute_output_shape((None, *x.shape[1:]))[1:] if None in shape else shape


def _split(x, y, sample_weight, share: float):
    if not is_array_like(x):
        raise ValueError(
            f"validation_split={share} needs arrays; x is a {type(x).__name__}. Give "
            "validation_data instead."
        )
    weights = None if sample_weight is None else as_array(sample_weight, "sample_weight")
    return split_validation((as_array(x, "x"), as_array(y, "y"), weights), share)


def _validation_parts(data) -> tuple:
    """(x, y, sample_weight) from a tuple of them, or from something that gives batches."""
    if not isinstance(data, tuple | list):
        return (data,)
    if not 2 <= len(data) <= 3:
        raise ValueError(
            f"`validation_data` has {len(data)} parts; (x, y) or (x, y, sample_weight) is expected."
        )
    return tuple(data)


def _require_batch(feed, x) -> None:
    if not feed.ready():
        raise ValueError(f"`x` ({type(x).__name__}) gives no batch at all.")


def _warn_exhausted(what: str) -> None:
    warnings.warn(
        f"The data was used up before {what}. A generator is good for one pass: let it go on for "
        "ever and give the number of steps, or give an object that can be iterated over again.",
        stacklevel=3,
    )


@contextlib.contextmanager
def _running(trainer, callbacks: CallbackList, model):
    """While it runs, what callbacks ask the model for (optimizer, metrics) is the trainer's.
    However it ends, no bar is left on the screen, and no data is held on to.
    """
    before, model._trainer = model._trainer, trainer
    trainer.hold()
    try:
        yield
    finally:
        model._trainer = before
        for callback in callbacks.callbacks:
            if isinstance(callback, ProgbarLogger):
                callback.abandon()
        trainer.release()
