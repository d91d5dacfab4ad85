"""What real Keras does in every scenario of `tests/keras_parity/*_cases.py`: behaviour.json."""

from __future__ import annotations

from pathlib import Path

import keras

from golden.record import versions, write_json
from tests.keras_parity import callback_cases, naming_cases  # noqa: F401  (they add scenarios)
from tests.keras_parity.behaviour_cases import SCENARIOS


def write(folder: Path, floatx: str) -> None:
    record: dict = {"versions": versions()}
    for name, run in SCENARIOS.items():
        keras.utils.clear_session()
        record[name] = run(keras)
    write_json(folder / "behaviour.json", record)
