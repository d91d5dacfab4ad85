"""Values of single functions in real Keras: activations, losses, metrics, schedules, initializers.

In float32, as users see them; activations in float64 too, which shows what float32 loses.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from golden.record import versions, write_json
from tests.keras_parity.initializer_cases import EXACT, QUANTILES, RANDOM
from tests.keras_parity.metric_cases import METRICS
from tests.keras_parity.value_cases import ACTIVATIONS, FUNCTIONS, LOSSES, SCHEDULES

TABLES = {
    "losses": LOSSES,
    "functions": FUNCTIONS,
    "metrics": METRICS,
    "schedules": SCHEDULES,
    "constants": EXACT,
}


def write(folder: Path, floatx: str) -> None:
    arrays = {
        f"activations/{name}": np.asarray(compute(keras, keras.ops.convert_to_tensor(x, floatx)))
        for name, (compute, x) in ACTIVATIONS.items()
    }
    if floatx == "float32":
        for table, cases in TABLES.items():
            for name, compute in cases.items():
                arrays[f"{table}/{name}"] = np.asarray(compute(keras))
        for name, compute in RANDOM.items():
            arrays[f"initializers/{name}"] = np.quantile(compute(keras), QUANTILES)
    np.savez_compressed(folder / f"values_{floatx}.npz", **arrays)
    write_json(folder / "values.json", {"versions": versions()})
