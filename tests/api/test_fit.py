"""fit, evaluate, predict and the single batches, on the real engine."""

from __future__ import annotations

import gc
import os
import re
import signal
import subprocess
import sys
import time
import weakref

import numpy as np
import pytest

import fastnn
from fastnn.keras import Input, Sequential
from fastnn.keras.callbacks import (
    Callback,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
)
from fastnn.keras.layers import Dense, Dropout
from fastnn.keras.optimizers import SGD, Adam
from fastnn.training import progress
from fastnn.training.data import make_feed

N, FEATURES, CLASSES = 50, 4, 3


def data(n=N, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, FEATURES)).astype(np.float32), rng.integers(0, CLASSES, n)


def classifier(optimizer=None, metrics=("accuracy",), dropout=0.0, seed=1):
    """A small network; the same weights and the same random numbers each time."""
    fastnn.utils.set_random_seed(seed)
    model = Sequential(
        [
            Input((FEATURES,)),
            Dense(8, activation="relu"),
            Dropout(dropout),
            Dense(CLASSES, "softmax"),
        ]
    )
    model.compile(optimizer or Adam(0.01), "sparse_categorical_crossentropy", metrics=list(metrics))
    return model


def linear(rate=0.1, **kwargs):
    model = Sequential([Input((FEATURES,)), Dense(1)])
    model.compile(SGD(rate), "mse", **kwargs)
    model.set_weights([np.ones((FEATURES, 1)), np.zeros(1)])
    return model


class ByHand:
    """The linear model with plain gradient descent on the mean squared error, float64."""

    def __init__(self, rate=0.1):
        self.w, self.b, self.rate = np.ones(FEATURES), 0.0, rate

    def losses(self, x, y):
        return (x @ self.w + self.b - y) ** 2

    def step(self, x, y, weights=1.0):
        """Returns the loss before the step."""
        error = weights * 2 * (x @ self.w + self.b - y) / len(x)
        loss = (weights * self.losses(x, y)).mean()
        self.w, self.b = self.w - self.rate * error @ x, self.b - self.rate * error.sum()
        return loss


def targets(x):
    return (x @ np.array([1, -2, 3, 0.5]) + 1).astype(np.float32)


def same_weights(a, b):
    return all(np.array_equal(v, w) for v, w in zip(a.get_weights(), b.get_weights(), strict=True))


# ---- against the model by hand; float32 sums of a few terms: 1e-5 is about 100 roundings


@pytest.mark.parametrize("shuffle", [False, True])
def test_fit_by_hand(shuffle):
    """Two epochs of 50 rows in batches of 16: the weights, and the loss that History has."""
    x, _ = data()
    y = targets(x)
    model, hand = linear(), ByHand()
    orders = [np.arange(N)] * 2
    if shuffle:
        feed = make_feed(model._trainer, x, y, batch_size=16, shuffle=True)
        orders = []
        for epoch in range(2):
            model.optimizer.iterations = 4 * epoch
            orders.append(next(feed.chunks(lambda: 100)).order)
        model.optimizer.iterations = 0
    history = model.fit(x, y, batch_size=16, epochs=2, shuffle=shuffle, verbose=0)
    expected = []
    for order in orders:
        total = 0.0
        for first in range(0, N, 16):
            rows = order[first : first + 16]
            total += hand.step(x[rows], y[rows]) * len(rows)
        expected.append(total / N)
    np.testing.assert_allclose(history.history["loss"], expected, rtol=1e-5)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], hand.w, rtol=0, atol=1e-5)
    np.testing.assert_allclose(bias, hand.b, rtol=0, atol=1e-5)
    assert model.optimizer.iterations == 8


def test_sample_weights_by_hand():
    """The loss is sum(weight * loss) / N, whatever the weights add up to."""
    x, _ = data()
    y, w = targets(x), np.arange(N) / 10
    model, hand = linear(), ByHand()
    loss = model.evaluate(x, y, sample_weight=w, batch_size=16, verbose=0)
    np.testing.assert_allclose(loss, (w * hand.losses(x, y)).mean(), rtol=1e-5)
    history = model.fit(x, y, sample_weight=w, batch_size=N, shuffle=False, verbose=0)
    np.testing.assert_allclose(history.history["loss"], [hand.step(x, y, w)], rtol=1e-5)
    np.testing.assert_allclose(model.get_weights()[0][:, 0], hand.w, rtol=0, atol=1e-4)


def test_metrics_and_weighted_metrics():
    x, _ = data()
    y, w = targets(x), np.linspace(0, 2, N)
    model = linear(metrics=["mae"], weighted_metrics=["mse"])
    error = np.abs(x @ np.ones(FEATURES) - y)
    loss, mae, mse = model.evaluate(x, y, sample_weight=w, verbose=0)
    np.testing.assert_allclose(mae, error.mean(), rtol=1e-5)
    np.testing.assert_allclose(mse, (w * error**2).sum() / w.sum(), rtol=1e-5)
    np.testing.assert_allclose(loss, (w * error**2).mean(), rtol=1e-5)
    assert model.metrics_names == ["loss", "mae", "mse"]


def test_batches_by_hand():
    x, _ = data()
    y = targets(x)
    model, hand = linear(), ByHand()
    loss = model.train_on_batch(x, y)
    assert isinstance(loss, float)
    np.testing.assert_allclose(loss, hand.step(x, y), rtol=1e-5)  # the loss before the step
    np.testing.assert_allclose(model.test_on_batch(x, y), hand.losses(x, y).mean(), rtol=1e-4)
    assert model.train_on_batch(x, y, return_dict=True).keys() == {"loss"}
    w = np.arange(N)
    expected = (w * hand.losses(x, y)).mean()
    hand.step(x, y)
    expected = (w * hand.losses(x, y)).mean()
    np.testing.assert_allclose(model.test_on_batch(x, y, sample_weight=w), expected, rtol=1e-4)


def test_full_batch_is_gradient_descent():
    x, _ = data()
    y = targets(x)
    hand = ByHand()
    expected = [hand.step(x, y) for _ in range(5)]
    t = fastnn.Trainer(linear(), SGD(0.1), "mse")
    history = t.fit(x, y, epochs=5, batch_size=None, shuffle=False, verbose=0)
    np.testing.assert_allclose(history.history["loss"], expected, rtol=1e-5)
    assert t.optimizer.iterations == 5
    assert t.evaluate(x, y, verbose=0).keys() == {"loss"}
    assert t.predict(x).shape == (N, 1)
    assert t.step(x, y)["loss"] > 0 and t.optimizer.iterations == 6
    model = linear()
    model.fit(x, y, epochs=5, verbose=0)  # Keras' meaning of None: 32
    assert model.optimizer.iterations == 10


def test_callbacks_of_a_trainer_see_its_optimizer_and_metrics():
    x, y = data()
    model = Sequential([Dense(CLASSES, "softmax")])
    t = fastnn.Trainer(model, SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    each = [LearningRateScheduler(lambda epoch: 0.5 / (epoch + 1)), EarlyStopping("accuracy")]
    history = t.fit(x, y, epochs=2, callbacks=each, verbose=0)
    assert history.history["learning_rate"][:1] == [0.5] and each[1].best is not None
    assert t.optimizer.learning_rate < 0.5 and model.optimizer is None


# ---- the same data in other clothes: the same bits


def test_input_types():
    x, y = data()
    x = np.round(x * 20).clip(0, 255)

    def trained(x, y):
        model = classifier()
        model.fit(x, y, epochs=2, batch_size=16, verbose=0, validation_split=0.2)
        return model

    expected = trained(x.astype(np.float32), y)
    for dtype in ("uint8", "int32", "int64", "float64", "int16", "float16"):
        assert same_weights(trained(x.astype(dtype), y), expected), dtype
    for labels in (y[:, None], y.astype(np.uint8), y.astype(np.float32), y.tolist()):
        assert same_weights(trained(x, labels), expected)
    assert same_weights(trained(x.tolist(), y), expected)


def test_memmap(tmp_path):
    x, y = data()
    on_disk = np.memmap(tmp_path / "x", np.float32, "w+", shape=x.shape)
    on_disk[...] = x
    a, b = classifier(), classifier()
    a.fit(x, y, epochs=2, verbose=0)
    b.fit(on_disk, y, epochs=2, verbose=0)
    assert same_weights(a, b)
    np.testing.assert_array_equal(a.predict(x), b.predict(on_disk))
    assert a.evaluate(x, y, verbose=0) == b.evaluate(on_disk, y, verbose=0)


def batches(x, y, size=16):
    for first in range(0, len(x), size):
        yield x[first : first + size], y[first : first + size]


class Batches:
    """Numbered batches, without a base class."""

    def __init__(self, x, y):
        self.all = list(batches(x, y))

    def __len__(self):
        return len(self.all)

    def __getitem__(self, i):
        return self.all[i]


def test_generators_and_numbered_batches():
    x, y = data()
    arrays, generator, numbered = (classifier() for _ in range(3))
    expected = arrays.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)

    def endless():
        while True:
            yield from batches(x, y)

    came = generator.fit(endless(), steps_per_epoch=4, epochs=2, verbose=0)
    assert came.history == expected.history and same_weights(arrays, generator)
    came = numbered.fit(Batches(x, y), epochs=2, shuffle=False, verbose=0)
    assert came.history == expected.history and same_weights(arrays, numbered)

    expected = arrays.evaluate(x, y, batch_size=16, verbose=0)
    assert arrays.evaluate(batches(x, y), verbose=0) == expected
    assert arrays.evaluate(Batches(x, y), verbose=0) == expected
    assert arrays.evaluate(endless(), steps=4, verbose=0) == expected
    expected = arrays.predict(x, batch_size=16)
    np.testing.assert_array_equal(arrays.predict(batches(x, y)), expected)
    np.testing.assert_array_equal(arrays.predict(Batches(x, y), steps=2), expected[:32])
    np.testing.assert_array_equal(arrays.predict(x, batch_size=16, steps=2), expected[:32])


def test_a_generator_that_ends():
    x, y = data()
    model = classifier()
    with pytest.warns(UserWarning, match="used up before epoch 2 of 3"):
        history = model.fit(batches(x, y), epochs=3, verbose=0)
    assert history.epoch == [0] and model.optimizer.iterations == 4


def test_validation_batches():
    x, y = data()
    expected = classifier().fit(x, y, epochs=2, validation_data=(x, y), verbose=0)
    came = classifier().fit(x, y, epochs=2, validation_data=Batches(x, y), verbose=0)
    for name in ("val_loss", "val_accuracy"):
        np.testing.assert_allclose(came.history[name], expected.history[name], rtol=1e-6)
    came = classifier().fit(
        x, y, epochs=2, validation_data=Batches(x, y), validation_steps=2, verbose=0
    )
    expected = classifier().fit(x, y, epochs=2, validation_data=(x[:32], y[:32]), verbose=0)
    np.testing.assert_allclose(came.history["val_loss"], expected.history["val_loss"], rtol=1e-6)
    with pytest.warns(UserWarning, match="validation of epoch 2: it is left out"):
        came = classifier().fit(x, y, epochs=2, validation_data=batches(x, y), verbose=0)
    assert len(came.history["loss"]) == 2 and len(came.history["val_loss"]) == 1


# ---- validation, weights, epochs


def test_validation_split_takes_the_last_rows_before_shuffling():
    x, y = data()
    w = np.arange(N)
    a, b = classifier(), classifier()
    split = a.fit(x, y, sample_weight=w, validation_split=0.25, epochs=3, verbose=0)
    last = (x[37:], y[37:], w[37:])
    given = b.fit(x[:37], y[:37], sample_weight=w[:37], validation_data=last, epochs=3, verbose=0)
    assert split.history == given.history and same_weights(a, b)
    assert split.history.keys() == {"accuracy", "loss", "val_accuracy", "val_loss"}


def test_validation_is_what_evaluate_says():
    x, y = data()
    model = classifier(dropout=0.5)
    history = model.fit(x, y, validation_data=(x, y), validation_batch_size=7, verbose=0)
    expected = model.evaluate(x, y, batch_size=7, verbose=0, return_dict=True)
    assert {k: v[0] for k, v in history.history.items() if k.startswith("val_")} == {
        f"val_{k}": v for k, v in expected.items()
    }
    assert list(expected) == ["accuracy", "loss"]


def test_validation_freq_and_steps():
    x, y = data()
    model = classifier()
    history = model.fit(x, y, epochs=5, validation_data=(x, y), validation_freq=2, verbose=0)
    assert [len(history.history[k]) for k in ("loss", "val_loss")] == [5, 2]
    history = model.fit(x, y, epochs=5, validation_data=(x, y), validation_freq=[1, 5], verbose=0)
    assert len(history.history["val_loss"]) == 2
    history = model.fit(
        x, y, validation_data=(x, y), validation_steps=2, validation_batch_size=5, verbose=0
    )
    expected = model.evaluate(x[:10], y[:10], batch_size=5, verbose=0)
    assert [history.history["val_loss"][0], history.history["val_accuracy"][0]] == expected


def test_class_weight_is_a_sample_weight():
    x, y = data()
    a, b = classifier(), classifier()
    a.fit(x, y, class_weight={0: 2.0, 2: 0.25}, epochs=2, verbose=0)
    b.fit(x, y, sample_weight=np.array([2, 1, 0.25])[y], epochs=2, verbose=0)
    assert same_weights(a, b)
    assert not same_weights(a, classifier())


def test_epochs_are_counted_from_initial_epoch():
    x, y = data()
    model = classifier()
    assert model.fit(x, y, initial_epoch=2, epochs=5, verbose=0).epoch == [2, 3, 4]
    history = model.fit(x, y, initial_epoch=5, epochs=5, verbose=0)
    assert history.epoch == [] and history.history == {}
    assert model.fit(x, y, epochs=0, verbose=0).epoch == []


def test_steps_per_epoch():
    x, y = data()
    model = classifier()
    model.fit(x, y, batch_size=10, steps_per_epoch=2, epochs=2, verbose=0)
    assert model.optimizer.iterations == 4


# ---- the same bits again


def test_two_fits_are_one():
    """fit(4) equals fit(2) twice: shuffling and dropout follow from the seed and the step."""
    x, y = data()
    whole, halves = classifier(dropout=0.3), classifier(dropout=0.3)
    a = whole.fit(x, y, epochs=4, verbose=0)
    b = halves.fit(x, y, epochs=2, verbose=0)
    c = halves.fit(x, y, initial_epoch=2, epochs=4, verbose=0)
    assert same_weights(whole, halves)
    assert a.history["loss"] == b.history["loss"] + c.history["loss"]


def test_the_seed_decides():
    x, y = data()

    def weights(seed):
        fastnn.utils.set_random_seed(seed)
        model = Sequential([Dense(4, "relu"), Dropout(0.2), Dense(CLASSES, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, epochs=2, verbose=0)
        return np.concatenate([w.ravel() for w in model.get_weights()])

    np.testing.assert_array_equal(weights(5), weights(5))
    assert not np.array_equal(weights(5), weights(6))


def test_chunks_change_nothing():
    """Looking up after each batch gives the bits of looking up every 50 ms."""
    x, y = data(200)
    hooked, free = classifier(dropout=0.3), classifier(dropout=0.3)
    each = LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    a = hooked.fit(x, y, batch_size=16, epochs=3, callbacks=each, verbose=0)
    b = free.fit(x, y, batch_size=16, epochs=3, verbose=0)
    assert same_weights(hooked, free) and a.history == b.history


def test_predict_in_any_batch_size():
    x, _ = data()
    model = classifier()
    expected = model.predict(x)
    assert expected.dtype == np.float32
    for size in (1, 7, N, 1000):
        np.testing.assert_allclose(model.predict(x, batch_size=size), expected, rtol=1e-5)
    np.testing.assert_allclose(expected.sum(1), 1, rtol=1e-6)


def test_predict_without_compile_and_evaluate_without_optimizer():
    x, y = data()
    model = Sequential([Dense(CLASSES, "softmax")])
    assert model.predict(x).shape == (N, CLASSES) and not model.compiled
    t = fastnn.Trainer(model, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    assert t.evaluate(x, y, verbose=0).keys() == {"loss", "accuracy"}
    with pytest.raises(ValueError, match="no optimizer"):
        t.fit(x, y, verbose=0)


def test_what_evaluate_returns():
    x, y = data()
    model = classifier(metrics=[])
    assert isinstance(model.evaluate(x, y, verbose=0), float)
    model = classifier(metrics=["sparse_top_k_categorical_accuracy", "acc"])
    loss, top, acc = model.evaluate(x, y, verbose=0)
    assert top == 1 and acc == (model.predict(x).argmax(1) == y).mean()
    assert list(model.evaluate(x, y, verbose=0, return_dict=True)) == [
        "acc",
        "loss",
        "sparse_top_k_categorical_accuracy",
    ]


def test_compile_again():
    x, y = data()
    model = classifier()
    model.fit(x, y, verbose=0)
    model.compile(SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy", "mse"][:1])
    assert model.optimizer.iterations == 0 and model.loss == "sparse_categorical_crossentropy"
    assert model.fit(x, y, epochs=2, verbose=0).history.keys() == {"loss", "accuracy"}


# ---- what is trained


def moved(model, x, y):
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    after = model.get_weights()
    return [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


def test_trainable_is_looked_at_when_training_begins_after_compile():
    """What real Keras does, step by step."""
    x, y = data()
    model = classifier()
    assert moved(model, x, y) == [True] * 4
    model.layers[0].trainable = False
    assert moved(model, x, y) == [True] * 4
    model.compile("adam", "sparse_categorical_crossentropy")
    assert moved(model, x, y) == [False, False, True, True]
    model.layers[0].trainable = True
    assert moved(model, x, y) == [False, False, True, True]
    model.compile("adam", "sparse_categorical_crossentropy")
    model.predict(x)
    model.layers[0].trainable = False
    assert moved(model, x, y) == [False, False, True, True]


def test_a_part_that_is_used_alone_does_not_disturb_the_whole():
    """An encoder within an autoencoder: asking it changes nothing; Adam keeps its moments."""
    x, _ = data()

    def autoencoder():
        fastnn.utils.set_random_seed(2)
        encoder = Sequential([Input((FEATURES,)), Dense(2, "relu")])
        model = Sequential([encoder, Dense(FEATURES)])
        model.compile(Adam(0.01), "mse")
        return encoder, model

    (encoder, model), (_, undisturbed) = autoencoder(), autoencoder()
    for _ in range(3):
        model.fit(x, x, verbose=0)
        undisturbed.fit(x, x, verbose=0)
        kernel, bias = encoder.get_weights()
        expected = np.maximum(x @ kernel + bias, 0)
        np.testing.assert_allclose(encoder.predict(x), expected, atol=1e-5)
        np.testing.assert_allclose(encoder(x), expected, atol=1e-5)
    assert same_weights(model, undisturbed)


def test_a_frozen_part_is_still_trained_by_its_own_trainer():
    """The way of adversarial networks: train, freeze, put into another model, train in turns."""
    x, _ = data()
    judge = Sequential([Input((FEATURES,)), Dense(1, "sigmoid")])
    judge.compile(Adam(0.01), "binary_crossentropy")
    judge.train_on_batch(x, np.ones(N))
    judge.trainable = False
    whole = Sequential([Input((FEATURES,)), Dense(FEATURES), judge])
    whole.compile(Adam(0.01), "binary_crossentropy")
    for _ in range(2):
        assert moved(judge, x, np.ones(N)) == [True, True]
        assert moved(whole, x, np.zeros(N)) == [True, True, False, False]


# ---- stopping


def test_stop_training():
    x, y = data()
    model = classifier()

    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    history = model.fit(x, y, batch_size=10, epochs=3, callbacks=Stop(), verbose=0,
                        validation_data=(x, y))  # fmt: skip
    assert model.optimizer.iterations == 2
    assert history.epoch == [0] and len(history.history["val_loss"]) == 1
    assert len(model.fit(x, y, epochs=2, verbose=0).epoch) == 2  # it is not remembered


def test_stop_evaluating_and_predicting():
    x, y = data()
    model = classifier()

    class Stop(Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating = True

        def on_predict_batch_end(self, batch, logs=None):
            assert logs["outputs"].shape == (10, CLASSES)
            self.model.stop_predicting = True

    first = model.evaluate(x[:10], y[:10], verbose=0)
    assert model.evaluate(x, y, batch_size=10, callbacks=[Stop()], verbose=0) == first
    assert model.predict(x, batch_size=10, callbacks=[Stop()]).shape == (10, CLASSES)


def test_an_error_in_a_callback_leaves_a_usable_model():
    x, y = data()
    model = classifier()

    def fail(epoch, logs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, epochs=3, callbacks=LambdaCallback(on_epoch_end=fail), verbose=0)
    assert model.optimizer.iterations == 2
    assert len(model.fit(x, y, verbose=0).epoch) == 1


LONG_FIT = """
import signal, numpy as np
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
from fastnn.keras import Sequential
from fastnn.keras.layers import Dense
model = Sequential([Dense(300, "relu"), Dense(300, "relu"), Dense(2, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
x, y = np.ones((100_000, 50), "float32"), np.zeros(100_000, int)
model.predict(x[:1])
print("started", flush=True)
try:
    model.fit(x, y, epochs=1000, verbose=0)
except KeyboardInterrupt:
    print("stopped", model.predict(x[:1]).shape)
"""


def test_ctrl_c():
    command = [sys.executable, "-c", LONG_FIT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "started\n"
        time.sleep(0.3)
        sent = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        assert process.stdout.read() == "stopped (1, 2)\n"
        assert time.monotonic() - sent < 5  # chunks are 50 ms; a busy machine gets more
    assert process.returncode == 0


# ---- memory


def test_nothing_is_kept_alive():
    """Models, trainers and data go when their last user goes, without the garbage collector."""
    x, y = data()
    x = x.copy()
    gc.collect()
    gc.disable()
    try:
        model = classifier()
        history = model.fit(x, y, epochs=2, validation_split=0.2, verbose=0)
        model.evaluate(x, y, verbose=0)
        model.predict(x)
        model(x)
        gone = weakref.ref(x)
        del x
        assert gone() is None
        gone = weakref.ref(model), weakref.ref(model._trainer)
        assert history.model is model
        del model
        assert [ref() for ref in gone] == [None, None]
        assert history.model is None and history.history["loss"]
    finally:
        gc.enable()


# ---- what is printed


LINE = r"4/4 ━{20} \d+s \d+(us|ms|s)/step - accuracy: \d\.\d{4} - loss: \d\.\d{4}"


def test_progress_of_fit(capsys):
    x, y = data()
    classifier().fit(x, y, batch_size=16, epochs=2, validation_split=0.0)
    lines = capsys.readouterr().out.splitlines()
    assert lines[::2] == ["Epoch 1/2", "Epoch 2/2"]
    assert all(re.fullmatch(LINE, line) for line in lines[1::2])
    classifier().fit(x, y, batch_size=16, validation_data=(x, y), verbose=1)
    (line,) = capsys.readouterr().out.splitlines()  # one epoch has no header
    assert re.fullmatch(LINE + r" - val_accuracy: \d\.\d{4} - val_loss: \d\.\d{4}", line)
    classifier().fit(x, y, batch_size=16, epochs=2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(LINE.replace(" ━{20} ", " - ").replace("s \\d", "s - \\d"), lines[1])
    classifier().fit(x, y, verbose=0)
    assert capsys.readouterr().out == ""


def test_progress_of_evaluate_and_predict(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 60.0)
    x, y = data()
    model = classifier()
    model.evaluate(x, y, batch_size=16)
    assert re.fullmatch(LINE + "\n", capsys.readouterr().out)
    model.predict(x)  # too short for anything to be seen
    model.evaluate(x, y, verbose=0)
    assert capsys.readouterr().out == ""
    model.predict(x, batch_size=16, verbose=1)
    assert re.fullmatch(r"4/4 ━{20} \d+s \d+(us|ms|s)/step\n", capsys.readouterr().out)


def test_small_numbers_are_written_with_an_exponent(capsys):
    x, _ = data()
    model = linear()
    model.set_weights([np.zeros((FEATURES, 1)), np.full(1, 0.01)])
    model.evaluate(x, np.zeros(N))
    assert "loss: 1.0000e-04" in capsys.readouterr().out
