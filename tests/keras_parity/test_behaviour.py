"""Every scenario in fastnn against what it gave in real Keras: the same keys, the same numbers."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tests.keras_parity import callback_cases, golden, naming_cases  # noqa: F401  (add scenarios)
from tests.keras_parity.behaviour_cases import SCENARIOS

# A dozen float32 steps with gradients of order 1 and sums over 27 rows: about 50 roundings.
TOLERANCE = 50 * 2.0**-24


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    from fastnn import keras

    keras.utils.clear_session()
    ours = json.loads(json.dumps(SCENARIOS[name](keras), default=lambda x: np.asarray(x).tolist()))
    assert_same(ours, golden.read("behaviour")[name], name)


def assert_same(ours, keras, where: str) -> None:
    """Equal in structure; numbers within TOLERANCE, absolutely or relatively."""
    if isinstance(keras, dict):
        assert isinstance(ours, dict) and set(ours) == set(keras), f"{where}: {ours} != {keras}"
        for key in keras:
            assert_same(ours[key], keras[key], f"{where}.{key}")
    elif isinstance(keras, list):
        assert isinstance(ours, list) and len(ours) == len(keras), f"{where}: {ours} != {keras}"
        for index, (a, b) in enumerate(zip(ours, keras, strict=True)):
            assert_same(a, b, f"{where}[{index}]")
    elif isinstance(keras, float):
        both_nan = isinstance(ours, float) and math.isnan(ours) and math.isnan(keras)
        close = abs(ours - keras) <= TOLERANCE * max(1, abs(keras)) if not both_nan else True
        assert close, f"{where}: {ours} where Keras has {keras}"
    else:
        assert ours == keras and type(ours) is type(keras), f"{where}: {ours!r} != {keras!r}"
