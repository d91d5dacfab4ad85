"""MNIST on the device: as near to float64 as the CPU comes, and as accurate."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn.keras import Sequential
from fastnn.keras.layers import Dense, Dropout, Flatten, Input

pytestmark = pytest.mark.usefixtures("every_order")
TRAIN, TEST, BATCH, EPOCHS = 1500, 1000, 128, 2


def trained(device: str, data, dropout: float = 0.0):
    """(test predictions, losses of the epochs, evaluated loss and accuracy, weights)."""
    (x, y), (x_test, y_test) = data
    fastnn.utils.set_random_seed(11)
    layers = [Input((28, 28)), Flatten(), Dense(128, activation="relu")]
    layers += [Dropout(dropout)] if dropout else []
    model = Sequential([*layers, Dense(10, activation="softmax")])
    fastnn.set_default_device(device)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, BATCH, epochs=EPOCHS, verbose=0)
    return (
        model.predict(x_test, verbose=0).astype(np.float64),
        np.array(history.history["loss"]),
        model.evaluate(x_test, y_test, verbose=0),
        model.get_weights(),
    )


@pytest.fixture(scope="module")
def data(mnist_sample):
    (x, y), (x_test, y_test) = mnist_sample
    scale = np.float32(1 / 255)
    return (x[:TRAIN] * scale, y[:TRAIN]), (x_test[:TEST] * scale, y_test[:TEST])


@pytest.fixture(autouse=True)
def default_device(monkeypatch):
    monkeypatch.setattr(fastnn.runtime.device, "_default", None)


@pytest.mark.parametrize("dropout", [0.0, 0.25])
def test_the_founding_network(data, dropout):
    """The CPU and the device do the same arithmetic with sums in other orders, so both are off from
    float64 by errors of one kind, which training carries on: what the CPU is off by is the scale,
    and 4 times that is the bound. (The CPU's own error is some random one out of many like it.)

    Where a test image's two likeliest digits are further apart than both errors, the answer must be
    the same digit; so the accuracies can differ by the other images only.
    """
    exact, losses, _, _ = trained("numpy:float64", data, dropout)
    cpu, cpu_losses, (cpu_loss, cpu_accuracy), cpu_weights = trained("cpu", data, dropout)
    got, got_losses, (got_loss, got_accuracy), weights = trained("cuda", data, dropout)
    assert any((a != b).any() for a, b in zip(weights, cpu_weights))  # it was not the CPU

    error, allowed = np.abs(got - exact).max(), 4 * np.abs(cpu - exact).max()
    print(f"probabilities off by {error:.1e}, the CPU's by {allowed / 4:.1e}")
    assert 0 < error <= allowed < 1e-3
    # A loss is -log p of the image's digit, the mean of many, in float32.
    rounding = 2.0**-22 * np.abs(losses).max()
    error = np.abs(got_losses - losses).max()
    print(f"losses off by {error:.1e}, the CPU's by {np.abs(cpu_losses - losses).max():.1e}")
    assert error <= 4 * np.abs(cpu_losses - losses).max() + rounding

    best = np.sort(exact, axis=1)
    unsure = (best[:, -1] - best[:, -2] <= 2 * allowed).sum()
    print(f"accuracy {got_accuracy}, the CPU's {cpu_accuracy}, {unsure} images of {TEST} unsure")
    assert abs(got_accuracy - cpu_accuracy) * TEST <= unsure + 1e-6
    assert unsure <= 5 and got_accuracy > 0.7  # it has learnt, and the bound says something
