"""Callbacks: when they are called, and what the standard ones do."""

from __future__ import annotations

import math
import re
import threading
import time

import numpy as np
import pytest

from fastnn.keras import Input, Sequential
from fastnn.keras.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    LossThreshold,
    ModelCheckpoint,
    ProgbarLogger,
    TerminateOnNaN,
)
from fastnn.keras.layers import Dense
from fastnn.keras.optimizers import SGD, schedules
from fastnn.training import progress

N = 20
X = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
Y = (X @ np.array([1, 2, 3]) + 1).astype(np.float32)


def model_(rate=0.05, **kwargs):
    model = Sequential([Input((3,)), Dense(1, kernel_initializer="zeros")])
    model.compile(SGD(rate), "mse", **kwargs)
    return model


def fit(model, *callbacks, epochs=1, **options):
    options = {"verbose": 0, "batch_size": 10, "shuffle": False} | options
    return model.fit(X, Y, epochs=epochs, callbacks=list(callbacks), **options)


class Scripted(Callback):
    """Overwrites the logs of each epoch, before the callbacks after it see them."""

    def __init__(self, **values):
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs.update((name, values[epoch]) for name, values in self.values.items())


# ---- hooks


class Recorder(Callback):
    """Writes down the name of every hook that is called."""

    def __init__(self):
        self.calls = []

    def __getattribute__(self, name):
        if name.startswith("on_") and name not in ("on_batch_begin", "on_batch_end"):
            return lambda *args: self.calls.append((name, *args[:-1]))
        return super().__getattribute__(name)

    def uses_batches(self, mode):
        return True


def test_the_order_of_the_hooks():
    recorder = Recorder()
    fit(model_(), recorder, validation_data=(X[:10], Y[:10]))
    assert [call for call in recorder.calls if "chunk" not in call[0]] == [
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        ("on_train_batch_begin", 0),
        ("on_train_batch_end", 0),
        ("on_train_batch_begin", 1),
        ("on_train_batch_end", 1),
        ("on_test_begin",),
        ("on_test_batch_begin", 0),
        ("on_test_batch_end", 0),
        ("on_test_end",),
        ("on_epoch_end", 0),
        ("on_train_end",),
    ]


def test_hooks_of_evaluate_and_predict():
    recorder = Recorder()
    model_().evaluate(X, Y, callbacks=recorder, verbose=0)
    model_().predict(X, callbacks=[recorder])
    names = [name for name, *_ in recorder.calls]
    for mode in ("test", "predict"):
        assert f"on_{mode}_begin" in names and f"on_{mode}_end" in names
        assert names.count(f"on_{mode}_batch_end") == names.count(f"on_{mode}_chunk_end") == 1


def test_without_batch_hooks_the_engine_runs_many_batches_at_once():
    calls = []
    chunks = LambdaCallback(on_train_chunk_end=lambda batch, logs: calls.append(batch))
    fit(model_(), chunks, epochs=30, batch_size=1)
    assert calls[-1] == N - 1 and calls.count(N - 1) == 30
    assert len(calls) < 200  # not 600: one an epoch, but for the first steps and a busy machine


@pytest.mark.parametrize("name", ["on_train_batch_end", "on_batch_end", "on_train_batch_begin"])
def test_any_batch_hook_is_called_for_every_batch(name):
    calls = []
    hooks = {name: lambda self, batch, logs=None: calls.append(batch)}
    fit(model_(), type("Mine", (Callback,), hooks)(), epochs=2)
    assert calls == [0, 1, 0, 1]


def test_logs_of_batches_are_running_means():
    seen = []
    fit(model_(), LambdaCallback(on_train_batch_end=lambda b, logs: seen.append(logs["loss"])))
    other = model_()
    losses = [other.train_on_batch(X[i : i + 10], Y[i : i + 10]) for i in (0, 10)]
    np.testing.assert_allclose(seen, [losses[0], sum(losses) / 2], rtol=1e-6)


def test_what_a_callback_leaves_in_the_logs_is_recorded():
    history = fit(model_(), Scripted(extra=[1, 2]), epochs=2)
    assert history.history["extra"] == [1, 2]


def test_params_and_model():
    seen = Callback()
    model = model_()
    fit(model, seen, epochs=3)
    assert seen.params == {"verbose": 0, "epochs": 3, "steps": 2} and seen.model is model


# ---- EarlyStopping


@pytest.mark.parametrize(
    ("losses", "options", "epochs_run", "best"),
    [
        ([3, 2, 2.5, 1], {}, 3, 2),
        ([3, 2, 2.5, 2.6, 1], {"patience": 2}, 4, 2),
        ([3, 2, 2.5, 1, 0.5], {"patience": 2}, 5, 0.5),
        ([3, 2, 1.95, 1.9, 1.0], {"min_delta": 0.2, "patience": 2}, 4, 2),
        ([3, 2, 1.5, 1.2, 1], {"baseline": 1.4, "patience": 3}, 5, 1),
        ([3, 2, 1.5, 1.2, 1], {"baseline": 0.5, "patience": 3}, 5, 1),
        ([1, 2, 3, 4, 5], {"start_from_epoch": 3}, 5, 4),
        ([1, 2, 3, 4, 5], {"mode": "max"}, 5, 5),
        ([1, 2, 3], {"patience": 0}, 2, 1),
    ],
)
def test_early_stopping(losses, options, epochs_run, best):
    stopper = EarlyStopping(monitor="loss", **options)
    history = fit(model_(), Scripted(loss=losses), stopper, epochs=len(losses))
    assert len(history.epoch) == epochs_run and stopper.best == best


def test_early_stopping_restores_the_best_weights(capsys):
    model, weights = model_(), []
    keep = LambdaCallback(on_epoch_end=lambda epoch, logs: weights.append(model.get_weights()))
    stopper = EarlyStopping("loss", restore_best_weights=True, patience=2, verbose=1)
    fit(model, Scripted(loss=[3, 1, 2, 2, 2]), keep, stopper, epochs=5)
    assert len(weights) == 4
    np.testing.assert_array_equal(model.get_weights()[0], weights[1][0])
    assert capsys.readouterr().out == (
        "Epoch 4: early stopping\nRestoring model weights from the end of the best epoch: 2.\n"
    )
    stopper.on_train_begin()
    assert stopper.best is None and stopper.wait == 0  # a new run begins anew


def test_early_stopping_knows_which_way_is_better():
    model = model_(metrics=["mae", "accuracy"])
    up = EarlyStopping("accuracy", patience=1)
    history = fit(model, Scripted(accuracy=[0.1, 0.2, 0.3, 0.4]), up, epochs=4)
    assert len(history.epoch) == 4 and up.best == 0.4
    down = EarlyStopping("val_mae")
    scripted = Scripted(val_mae=[1, 2, 3])
    assert len(fit(model, scripted, down, epochs=3).epoch) == 2
    with pytest.raises(ValueError, match="'mine' should fall or rise"):
        fit(model, Scripted(mine=[1, 2]), EarlyStopping("mine"), epochs=2)


def test_early_stopping_without_its_value_warns_and_goes_on():
    with pytest.warns(UserWarning, match="'val_loss' is not in the logs"):
        assert len(fit(model_(), EarlyStopping(), epochs=2).epoch) == 2


# ---- the others


def test_learning_rate_scheduler(capsys):
    model, rates = model_(0.1), []
    scheduler = LearningRateScheduler(lambda epoch, rate: rate * 0.5, verbose=1)
    seen = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: rates.append(model.optimizer.learning_rate)
    )
    history = fit(model, scheduler, seen, epochs=3)
    assert rates == history.history["learning_rate"] == [0.05, 0.025, 0.0125]
    assert capsys.readouterr().out.count("setting learning rate to") == 3
    fit(model, LearningRateScheduler(lambda epoch: 0.25 + epoch))
    assert model.optimizer.learning_rate == 0.25
    with pytest.raises(ValueError, match="'fast'"):
        fit(model, LearningRateScheduler(lambda epoch, rate: "fast"))


def test_the_rate_that_is_set_is_the_rate_that_is_used():
    model = model_(0.05)
    fit(model, LearningRateScheduler(lambda epoch: 0.0))
    np.testing.assert_array_equal(model.get_weights()[0], 0)


def test_a_schedule_cannot_be_overruled():
    model = model_(schedules.ExponentialDecay(0.1, 10, 0.5))
    with pytest.raises(TypeError, match="schedule"):
        fit(model, LearningRateScheduler(lambda epoch: 0.1))


def test_terminate_on_nan(capsys):
    model = model_(rate=1e30)
    history = fit(model, TerminateOnNaN(), epochs=50)
    assert len(history.epoch) < 50 and not math.isfinite(history.history["loss"][-1])
    assert re.fullmatch(r"Batch \d: Invalid loss, terminating training\n", capsys.readouterr().out)
    with pytest.raises(RuntimeError, match="NaN or Inf loss"):
        fit(model, TerminateOnNaN(raise_error=True))
    assert len(fit(model_(), TerminateOnNaN(), epochs=2).epoch) == 2


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    fit(model_(metrics=["mae"]), CSVLogger(path), epochs=2)
    header, *rows = path.read_text().splitlines()
    assert header == "epoch,loss,mae,val_loss,val_mae"
    assert [row.split(",")[0] for row in rows] == ["0", "1"]
    assert [row.split(",")[3:] for row in rows] == [["NA", "NA"]] * 2
    assert float(rows[0].split(",")[1]) > float(rows[1].split(",")[1]) > 0

    more = CSVLogger(path, separator=",", append=True)
    model = model_(metrics=["mae"])
    history = fit(model, more, validation_data=(X, Y), initial_epoch=2, epochs=3)
    lines = path.read_text().splitlines()
    assert len(lines) == 4 and lines.count(header) == 1
    assert float(lines[3].split(",")[3]) == history.history["val_loss"][0]
    fit(model, CSVLogger(path, separator=";"))
    assert path.read_text().splitlines()[0] == "epoch;loss;mae;val_loss;val_mae"


def test_csv_logger_of_values_with_several_numbers(tmp_path):
    path = tmp_path / "log.csv"
    fit(model_(), Scripted(many=[np.array([1.0, 2.0])]), CSVLogger(path))
    assert '""[1.0, 2.0]""' in path.read_text()


def test_model_checkpoint_of_every_epoch(tmp_path):
    model, kept = model_(), []
    keep = LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights()[0]))
    path = tmp_path / "new" / "{epoch:02d}-{loss:.1f}.safetensors"
    fit(model, Scripted(loss=[3, 2]), ModelCheckpoint(path), keep, epochs=2)
    names = sorted(p.name for p in path.parent.iterdir())
    assert names == ["01-3.0.safetensors", "02-2.0.safetensors"]
    model.load_weights(path.parent / names[0])
    np.testing.assert_array_equal(model.get_weights()[0], kept[0])


def test_model_checkpoint_of_the_best(tmp_path, capsys):
    path = tmp_path / "best.safetensors"
    model, saved = model_(), []
    look = LambdaCallback(on_epoch_end=lambda epoch, logs: saved.append(path.stat().st_mtime_ns))
    best = ModelCheckpoint(path, "loss", save_best_only=True, verbose=1)
    fit(model, Scripted(loss=[3, 4, 1, 2]), best, look, epochs=4)
    assert best.best == 1
    assert saved[0] == saved[1] < saved[2] == saved[3]
    said = capsys.readouterr().out
    assert said.count("saving model to") == 2 and "did not improve from 3.00000" in said
    # It goes on from the best so far, in another run and in another process.
    before = path.read_bytes()
    fit(model, Scripted(loss=[1.5]), best)
    again = ModelCheckpoint(path, "loss", save_best_only=True, initial_value_threshold=1)
    fit(model, Scripted(loss=[1.5]), again)
    assert path.read_bytes() == before


def test_model_checkpoint_of_batches(tmp_path):
    path = tmp_path / "{epoch}-{batch}.safetensors"
    fit(model_(), ModelCheckpoint(path, save_freq=3), epochs=3, batch_size=5)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["1-3.safetensors", "2-2.safetensors", "3-1.safetensors", "3-4.safetensors"]


def test_model_checkpoint_without_its_value_saves(tmp_path):
    path = tmp_path / "w.safetensors"
    with pytest.warns(UserWarning, match="'val_loss' is not in the logs"):
        fit(model_(), ModelCheckpoint(path, save_best_only=True))
    assert path.exists()
    with pytest.raises(KeyError, match="val_loss"):
        fit(model_(), ModelCheckpoint(tmp_path / "{val_loss}.safetensors"))


def test_loss_threshold(capsys):
    history = fit(model_(), Scripted(loss=[3, 2, 1.5, 1]), LossThreshold(1.5, verbose=1), epochs=4)
    assert len(history.epoch) == 3
    assert "Epoch 3: loss reached 1.5" in capsys.readouterr().out
    history = fit(model_(), LossThreshold(0.5), epochs=500)
    losses = history.history["loss"]
    assert losses[-1] <= 0.5 < min(losses[:-1]) and len(losses) < 500
    history = fit(
        model_(), LossThreshold(0.5, "val_loss"), epochs=500, validation_data=(X[:2], Y[:2])
    )
    assert history.history["val_loss"][-1] <= 0.5 < history.history["val_loss"][-2]
    with pytest.raises(ValueError, match="'val_loss' is not in the logs"):
        fit(model_(), LossThreshold(0.5, "val_loss"))


def test_lambda_callback():
    calls = []
    callback = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: calls.append(("begin", epoch)),
        on_epoch_end=lambda epoch, logs: calls.append(("end", epoch, logs["loss"] > 0)),
        on_train_end=lambda logs: calls.append("over"),
        on_train_begin=None,
    )
    fit(model_(), callback)
    assert calls == [("begin", 0), ("end", 0, True), "over"]


# ---- the bar


@pytest.fixture
def terminal(capsys, monkeypatch):
    """A screen where a bar can move, and moves at once; gives what was written."""
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "_in_terminal", lambda: True)
    return lambda: capsys.readouterr().out


def test_a_bar_moves_in_a_terminal_and_is_replaced_by_a_line(terminal):
    threads = threading.active_count()
    each = LambdaCallback(on_train_batch_end=lambda batch, logs: time.sleep(0.06))
    fit(model_(), each, batch_size=5, verbose=1, validation_data=(X, Y))
    *moving, last = terminal().rstrip("\n").split("\r")
    assert any(re.search(r"1/4 ━+ +\d+s \d+(us|ms|s)/step - loss: ", text) for text in moving)
    assert re.fullmatch(r"4/4 ━{20} \d+s \d+(us|ms|s)/step - loss: \S+ - val_loss: \S+", last)
    assert threading.active_count() == threads


def test_no_bar_is_left_when_a_run_breaks(terminal):
    def fail(batch, logs):
        raise RuntimeError("enough")

    own = ProgbarLogger()
    with pytest.raises(RuntimeError):
        fit(model_(), LambdaCallback(on_train_batch_begin=fail), own, verbose=1)
    assert own._bar is None
    fail_late = LambdaCallback(on_train_batch_end=lambda b, logs: b and fail(b, logs))
    with pytest.raises(RuntimeError):
        fit(model_(), fail_late, own, verbose=1, batch_size=5)
    assert own._bar is None and "\n" not in terminal().split("\r")[-1]


def test_messages_stand_above_the_bar(terminal):
    saying = LambdaCallback(on_train_batch_end=lambda batch, logs: progress.say(f"after {batch}"))
    fit(model_(), saying, verbose=1, batch_size=5)
    lines = [line.split("\r")[-1] for line in terminal().split("\n")]
    assert [line for line in lines if line.startswith("after")] == [f"after {i}" for i in range(4)]


def test_steps_of_unknown_number(terminal):
    each = LambdaCallback(on_train_batch_end=lambda batch, logs: time.sleep(0.06))
    model_().fit(((X, Y) for _ in range(3)), callbacks=[each], epochs=1)
    written = terminal()
    assert "1/Unknown" in written and re.search(r"3/3 ━{20} \d+s", written)


def test_long_predictions_are_worth_a_line(terminal):
    each = LambdaCallback(on_predict_batch_end=lambda batch, logs: None)
    model_().predict(X, batch_size=5, callbacks=[each])
    assert re.search(r"4/4 ━{20} \d+s \d+(us|ms|s)/step\n$", terminal())


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0s"), (59, "59s"), (61, "1:01"), (3600 + 62, "1:01:02")]
)
def test_clock(seconds, text):
    assert progress._clock(seconds) == text
