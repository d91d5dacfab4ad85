"""History: what fit returns."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn.keras import Input, Sequential
from fastnn.keras.callbacks import History
from fastnn.keras.layers import Dense


def fitted(**options):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    model = Sequential([Input((3,)), Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model, model.fit(x, y, verbose=0, **options)


def test_what_is_in_it():
    model, history = fitted(epochs=3, validation_split=0.25, batch_size=4)
    assert isinstance(history, History)
    assert history.epoch == [0, 1, 2]
    assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
    assert all(type(v) is float for values in history.history.values() for v in values)
    assert history.params == {"verbose": 0, "epochs": 3, "steps": 4}
    assert history.model is model and model.history is history


def test_each_fit_has_its_own():
    model, first = fitted(epochs=2)
    second = model.fit(np.zeros((4, 3)), np.zeros(4), initial_epoch=2, epochs=4, verbose=0)
    assert (first.epoch, second.epoch) == ([0, 1], [2, 3])
    assert len(second.history["loss"]) == 2


def test_one_that_the_user_brings_goes_on():
    """As in Keras: the values add up, the numbers of the epochs start again."""
    own = History()
    model, history = fitted(epochs=2, callbacks=[own])
    assert history is own
    model.fit(np.zeros((4, 3)), np.zeros(4), callbacks=[own], verbose=0)
    assert len(own.history["loss"]) == 3 and own.epoch == [0]


def test_plot(tmp_path):
    pytest.importorskip("matplotlib", reason="the extra [plot] is not installed")
    _, history = fitted(epochs=2, validation_split=0.25)
    path = tmp_path / "curve.png"
    figure = history.plot(path)
    assert path.stat().st_size > 1000
    assert [axes.get_title() for axes in figure.axes] == ["loss", "mae"]
