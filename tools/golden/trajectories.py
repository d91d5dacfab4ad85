"""Twenty steps of every case in real Keras: losses, weights, and how far a step moves them.

Keras is run in float32 and again in float64. The first is what a user sees; the distance between
the two says how much of a difference is mere rounding.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from golden.record import versions, write_json
from tests.keras_parity import golden, loss_cases, network_cases, optimizer_cases
from tests.keras_parity.cases import Case, checksum, run

CASES: list[Case] = optimizer_cases.CASES + network_cases.CASES + loss_cases.CASES


def write(folder: Path, floatx: str) -> None:
    """Write trajectories_<floatx>.npz, and trajectories.json with checksums and versions."""
    if floatx == "float64":
        mend_orthogonal_regularizer()
    arrays: dict[str, np.ndarray] = {}
    checksums = {}
    for case in CASES:
        keras.utils.clear_session()
        losses, weights = run(keras, case)
        assert np.isfinite(losses).all(), f"{case.name} diverges: {losses}"
        checksums[case.name] = checksum(case, [weight.shape for weight in weights[0]])
        arrays[f"{case.name}/losses"] = np.array(losses)
        arrays[f"{case.name}/first"] = golden.sample(weights[1])
        arrays[f"{case.name}/last"] = golden.sample(weights[-1])
        if floatx == "float32":
            arrays[f"{case.name}/moved"] = movement(weights).astype(np.float32)
    np.savez_compressed(folder / f"trajectories_{floatx}.npz", **arrays)
    write_json(folder / "trajectories.json", {"versions": versions(), "checksums": checksums})


def mend_orthogonal_regularizer() -> None:
    """Keras keeps its factor as a float32 tensor, which no float64 network can multiply with."""
    make = keras.regularizers.OrthogonalRegularizer.__init__

    def make_with_plain_factor(self, factor=0.01, mode="rows"):
        make(self, factor, mode)
        self.factor = factor

    keras.regularizers.OrthogonalRegularizer.__init__ = make_with_plain_factor


def movement(weights: list[list[np.ndarray]]) -> np.ndarray:
    """(steps, tensors): mean |w_t - w_(t-1)| of each tensor, for each step t."""
    return np.array(
        [
            [np.mean(np.abs(new.astype(np.float64) - old)) for new, old in zip(after, before)]
            for before, after in zip(weights, weights[1:])
        ]
    )
