"""Training and prediction on data that other libraries have on the device."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn.keras import Sequential
from fastnn.keras.layers import Activation, Dense, Input
from fastnn.runtime.device_array import DeviceArray

from .foreign import DLPack, Interface

X = np.linspace(-1, 1, 60, dtype=np.float32).reshape(20, 3)
Y = np.tanh(X) ** 2


def trainer(device="cuda", loss="mse"):
    model = Sequential([Input((3,)), Dense(4, activation="tanh"), Dense(3)])
    model.set_weights([np.full(w.shape, 0.1 * (i + 1), np.float32) for i, w in
                       enumerate(model.get_weights())])  # fmt: skip
    return fastnn.Trainer(model, "adam", loss, device=device, seed=3)


@pytest.mark.parametrize("kind", [Interface, DLPack])
@pytest.mark.parametrize("both", [False, True])
def test_fit_reads_the_data_where_it_is(cuda_device, kind, both):
    """The weights are those of data that came from the host, bit for bit; y may be either. On the
    emulator the data comes late, by a stream of its own."""
    ours, theirs = trainer(), trainer()
    stream = cuda_device.emulator.Stream() if hasattr(cuda_device, "emulator") else None
    x, y = kind(X, stream=stream), kind(Y, stream=stream) if both else Y
    theirs.fit(x, y, epochs=2, batch_size=8, verbose=0)
    ours.fit(X, Y, epochs=2, batch_size=8, verbose=0)
    for a, b in zip(ours.model.get_weights(), theirs.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(x.fetch(), X)
    assert theirs.evaluate(x, y, verbose=0) == ours.evaluate(X, Y, verbose=0)
    assert theirs.step(x, y) == ours.step(X, Y)


def test_predictions_stay_on_the_device():
    made = trainer()
    want = made.predict(X, verbose=0)
    for batch_size in (32, 7, None):
        got = made.predict(DLPack(X), batch_size=batch_size, verbose=0)
        assert isinstance(got, DeviceArray) and got.shape == want.shape
        np.testing.assert_array_equal(got.numpy(), want)
    assert made.predict(Interface(X), batch_size=8, steps=2, verbose=0).shape == (16, 3)


def test_data_that_changes_place():
    """Another array of the same size is another place."""
    made = trainer()
    for x in (X, 2 * X):
        got = made.predict(DLPack(x), verbose=0).numpy()
        np.testing.assert_array_equal(got, made.predict(x, verbose=0))


def test_validation_data_and_weights():
    made, again = trainer(), trainer()
    weights = np.linspace(0, 1, 20, dtype=np.float32)
    a = made.fit(Interface(X), Interface(Y), sample_weight=Interface(weights), epochs=1,
                 validation_split=0.25, verbose=0, shuffle=False)  # fmt: skip
    b = again.fit(X, Y, sample_weight=weights, epochs=1, validation_split=0.25, verbose=0,
                  shuffle=False)  # fmt: skip
    assert a.history == b.history


def test_class_numbers():
    loss = fastnn.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    labels = np.arange(20) % 3
    made, again = trainer(loss=loss), trainer(loss=loss)
    a = made.fit(Interface(X), Interface(labels), epochs=1, verbose=0)
    assert a.history == again.fit(X, labels, epochs=1, verbose=0).history
    with pytest.raises(ValueError, match="Label 3 in row"):
        made.fit(Interface(X), Interface(labels + 1), epochs=1, verbose=0)
    with pytest.raises(TypeError, match="class numbers of an integer type"):
        made.fit(Interface(X), Interface(labels.astype(np.float32)), verbose=0)
    with pytest.raises(TypeError, match="class_weight needs `y` on the host"):
        made.fit(Interface(X), Interface(labels), class_weight={0: 2.0}, verbose=0)


def test_what_does_not_fit():
    with pytest.raises(ValueError, match="`x` is on cuda:0, and the model runs on 'cpu'"):
        trainer("cpu").fit(Interface(X), Y, verbose=0)
    with pytest.raises(TypeError, match="dtype float16, on cuda:0; there it must be one of"):
        trainer().fit(Interface(X.astype(np.float16)), Y, verbose=0)
    with pytest.raises(ValueError, match="`x`: it is not C-contiguous"):
        trainer().fit(Interface(X, strides=(1, 20)), Y, verbose=0)
    with pytest.raises(ValueError, match="must have rows; a single value"):
        trainer().fit(Interface(np.float32(1).reshape(())), Y, verbose=0)


@pytest.mark.usefixtures("second_device")
def test_data_of_another_device():
    with pytest.raises(ValueError, match="`x` is on cuda:0, and the model runs on 'cuda:1'"):
        trainer("cuda:1").predict(Interface(X), verbose=0)
    with pytest.raises(ValueError, match="`y` is on cuda:1"):
        trainer().step(Interface(X), Interface(Y, device=1))


def test_rows_of_a_device_array():
    x = fastnn.ops.reshape(Interface(X), (20, 3))
    np.testing.assert_array_equal(x[5:9].numpy(), X[5:9])
    np.testing.assert_array_equal(x[-3:].numpy(), X[-3:])
    assert x[9:5].shape == (0, 3)
    for wrong in (3, slice(0, 9, 2), slice(None, None, -1)):
        with pytest.raises(TypeError, match="rows"):
            x[wrong]
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(x)
    with pytest.raises(TypeError, match="float64 is due"):
        x.astype("float64")


def test_a_model_without_products():
    """`model.predict` of compiled models goes the same way."""
    model = Sequential([Input((3,)), Activation("tanh")])
    got = fastnn.Trainer(model, device="cuda").predict(DLPack(X), verbose=0)
    np.testing.assert_allclose(got.numpy(), np.tanh(X), rtol=1e-6)
