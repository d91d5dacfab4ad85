"""What docs/determinism.md promises a user; threads and processes are in program/."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn.keras import Sequential
from fastnn.keras.layers import Dense, Input, Reshape, Softmax


@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh", "softmax", "linear"])
def test_a_prediction_does_not_depend_on_the_rows_around_it(activation):
    """Bit for bit, though shapes, tiles, tails and threads differ."""
    layers = Dense(700, activation=activation), Dense(35), Reshape((7, 5)), Softmax(axis=1)
    model = Sequential([Input((300,)), *layers])
    x = np.random.default_rng(0).normal(size=(200, 300)).astype(np.float32)
    together = model.predict(x, batch_size=200, verbose=0)
    assert np.unique(together).size > 1000
    for first, last in [(0, 1), (17, 18), (3, 8), (100, 131), (0, 128)]:
        alone = model.predict(x[first:last], verbose=0)
        np.testing.assert_array_equal(alone, together[first:last])
    np.testing.assert_array_equal(model.predict(x, batch_size=33, verbose=0), together)
