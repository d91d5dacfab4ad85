"""Whole training steps against a float64 model written by hand, and the same bits every time."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import fastnn
from fastnn.keras import Sequential
from fastnn.keras.layers import Dense, Dropout, Flatten, Input
from fastnn.keras.optimizers import Adam
from fastnn.planner import CPU
from tests.reference.mlp import Classifier


def data(n=160, features=37, classes=5, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, features)).astype(np.float32)
    return x, rng.integers(0, classes, n)


def network(dropout=0.0, units=(23, 17)):
    fastnn.utils.set_random_seed(3)
    layers = [Input((37,))]
    for u in units:
        layers.append(Dense(u, activation="relu"))
        if dropout:
            layers.append(Dropout(dropout))
    return Sequential([*layers, Dense(5, activation="softmax")])


def trainer(device=None, keep_gradients=False, **kwargs):
    model = network(**kwargs)
    loss = "sparse_categorical_crossentropy"
    return fastnn.Trainer(
        model, Adam(0.01), loss, ["accuracy"], seed=5, device=device, keep_gradients=keep_gradients
    )


DEVICES = [(fastnn.default_device(), 2.0**-24), ("numpy", 2.0**-24), ("numpy:float64", 2.0**-53)]


@pytest.mark.parametrize(("device", "unit"), DEVICES)
def test_gradients_by_name(device, unit):
    """Each gradient of one step, against the hand-written backward pass.

    Bound: a sum of K products has a relative error of at most K units per layer on the sum of
    absolute values; three layers of at most 37 + 160 terms stay within 1000 units of the largest.
    """
    t = trainer(device, keep_gradients=True)
    x, y = data(64)
    reference = Classifier(t.model.get_weights())
    expected = reference.gradients(x, y)
    t.train_rows(x, y, batch_size=64)
    for v, want in zip(t.model.trainable_weights, expected, strict=True):
        got = t.parameters.gradient(v)
        # float64 gradients are handed back as float32
        bound = max(1000 * unit, 2.0**-23) * np.abs(want).max()
        assert np.abs(got - want).max() <= bound, v.path


@pytest.mark.parametrize(("device", "unit"), DEVICES[:2])
def test_losses_of_20_steps(device, unit):
    t = trainer(device)
    reference = Classifier(t.model.get_weights())
    for step in range(20):
        x, y = data(32, seed=step)
        want = reference.loss(x, y)
        reference.adam(reference.gradients(x, y), rate=0.01)
        got = t.step(x, y)["loss"]
        # Adam divides by sqrt(v): rounding in a gradient is amplified where it is near zero, so the
        # bound is a small part of what one step changes (about 5e-2 here), not of one unit.
        assert abs(got - want) < 2e-4 * max(1, want), step


def test_a_short_last_batch_and_an_order():
    """130 rows in a given order, batches of 32: the last step takes 2 rows."""
    t = trainer()
    x, y = data(160)
    order = np.random.default_rng(1).permutation(160)[:130].astype(np.int64)
    reference = Classifier(t.model.get_weights())
    t.train_rows(x, y, order=order, batch_size=32)
    for k in range(0, 130, 32):
        rows = order[k : k + 32]
        reference.adam(reference.gradients(x[rows], y[rows]), rate=0.01)
    assert t.optimizer.iterations == 5
    for got, want in zip(t.model.get_weights(), reference.weights, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-4)


def bits_after(threads, steps=100):
    before = fastnn.num_threads()
    fastnn.set_num_threads(threads)
    try:
        t = trainer(dropout=0.3, units=(300, 130))
        x, y = data(640)
        for epoch in range(steps // 10):
            order = np.random.default_rng(epoch).permutation(640)
            t.train_rows(x, y, order=order, batch_size=64)
        return (
            t.optimizer.iterations,
            t.logs(),
            b"".join(w.tobytes() for w in t.model.get_weights()),
        )
    finally:
        fastnn.set_num_threads(before)


@pytest.mark.cpu(reason="threads of the CPU")
def test_same_bits_at_any_number_of_threads():
    one = bits_after(1)
    assert one[0] == 100
    for threads in (2, 3, 7):
        assert bits_after(threads) == one, threads


@pytest.mark.cpu(reason="the plan of the CPU, which makes small gradients in two instructions")
@pytest.mark.parametrize("units", [(23, 17), (300, 130)])
def test_same_bits_where_products_make_the_activations_gradients(units):
    x, y = data(160)
    made = []
    for least in (CPU.derivative_bytes, 0):
        t = trainer(units=units)
        t._target = replace(CPU, derivative_bytes=least)
        t.train_rows(x, y, batch_size=64)
        fused = "matmul_nt *relu'" in str(t.plan(64))
        assert fused is (least == 0)
        made.append(b"".join(w.tobytes() for w in t.model.get_weights()))
    assert made[0] == made[1]


def test_same_bits_in_two_processes():
    script = (
        "from tests.program.test_whole_step import bits_after\n"
        "import hashlib; print(hashlib.sha256(repr(bits_after(2, 20)).encode()).hexdigest())"
    )
    run = [sys.executable, "-c", script]
    first, second = (subprocess.run(run, capture_output=True, text=True, check=True) for _ in "ab")
    assert first.stdout == second.stdout and len(first.stdout) == 65


@pytest.mark.parametrize(("device", "unit"), DEVICES)
def test_predict_of_images(device, unit):
    """Rows that are read in place, in another shape. Bound: a sum of 20 products, and a bias."""
    model = Sequential([Input((4, 5)), Flatten(), Dense(3, bias_initializer="uniform")])
    x = np.random.default_rng(2).normal(size=(7, 4, 5)).astype(np.float32)
    kernel, bias = (w.astype(np.float64) for w in model.get_weights())
    rows = x.reshape(7, 20)
    got = fastnn.Trainer(model, device=device).predict(x, batch_size=4, verbose=0)
    size = np.abs(rows) @ np.abs(kernel) + np.abs(bias)
    # float64 results are handed back as float32
    assert (np.abs(got - (rows @ kernel + bias)) <= (21 * unit + 2.0**-24) * size).all()


def test_check_finite_names_step_and_op():
    model = network()
    t = fastnn.Trainer(model, Adam(0.01), "sparse_categorical_crossentropy", check_finite=True)
    x, y = data(96)
    x[70, 3] = np.inf
    with pytest.raises(ValueError, match=r"(?s)Not finite.*gather.*step 2"):
        t.train_rows(x, y, batch_size=32)


def test_a_changed_trainable_flag_takes_effect():
    model = network()
    model.layers[0].trainable = False
    t = fastnn.Trainer(model, Adam(0.01), "sparse_categorical_crossentropy")
    before = model.get_weights()
    x, y = data(64)
    t.train_rows(x, y, batch_size=32)
    after = model.get_weights()
    moved = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert moved == [False, False, True, True, True, True]
