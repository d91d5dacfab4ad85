"""One trajectory: a small network, its batches, its first weights, and how twenty steps are run.

Nothing here imports Keras or fastnn: `k` is either namespace, so both run the same program. The
numbers come from `RandomState`, whose stream NumPy has frozen, and lie on grids of powers of two,
so that every machine makes the same bits; golden files keep a checksum of them all the same.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

STEPS = 20
ROWS = 21  # a batch; no multiple of any vector length
FEATURES = 13
CLASSES = 5

Batch = tuple[np.ndarray, np.ndarray, np.ndarray | None]


@dataclass(frozen=True)
class Case:
    """A network with its loss and optimizer. `name` is "family/option"; a family shares its data.

    layers, loss, optimizer: functions of the namespace `k`.
    inputs, targets: keys of INPUTS and TARGETS below.
    weighted: with sample weights. scale: of the first weights.
    learning_rates: assigned to `optimizer.learning_rate` before the step of that index.
    twin: a case whose trajectory this one must repeat (another spelling of the same thing).
    """

    name: str
    layers: Callable[[Any], list]
    loss: Callable[[Any], Any]
    optimizer: Callable[[Any], Any]
    inputs: str = "floats"
    targets: str = "classes"
    weighted: bool = False
    scale: float = 1.0
    learning_rates: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    twin: str | None = None

    @property
    def family(self) -> str:
        return self.name.split("/")[0]


def grid(rng: np.random.RandomState, limit: float, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform in [-limit, limit] on multiples of 2^-12, float32."""
    steps = int(limit * 4096)
    return (rng.randint(-steps, steps + 1, shape) / 4096).astype(np.float32)


def distribution(rng: np.random.RandomState) -> np.ndarray:
    """Rows of probabilities, multiples of 1/64 that sum to one; some are zero."""
    cuts = np.sort(rng.randint(0, 65, (ROWS, CLASSES - 1)), axis=1)
    ends = np.pad(cuts, ((0, 0), (1, 1)), constant_values=((0, 0), (0, 64)))
    return (np.diff(ends, axis=1) / 64).astype(np.float32)


INPUTS: dict[str, Callable[[np.random.RandomState], np.ndarray]] = {
    "floats": lambda rng: grid(rng, 4, (ROWS, FEATURES)),
    "doubles": lambda rng: grid(rng, 4, (ROWS, FEATURES)).astype(np.float64),
    "integers": lambda rng: rng.randint(-4, 5, (ROWS, FEATURES)).astype(np.int64),
    "planes": lambda rng: grid(rng, 4, (ROWS, 3, 5)),
    "images": lambda rng: rng.randint(0, 256, (ROWS, 28, 28)).astype(np.uint8),
}

TARGETS: dict[str, Callable[[np.random.RandomState], np.ndarray]] = {
    "classes": lambda rng: rng.randint(0, CLASSES, ROWS),
    "classes_u8": lambda rng: rng.randint(0, CLASSES, ROWS).astype(np.uint8),
    "classes_column": lambda rng: rng.randint(0, CLASSES, (ROWS, 1)),
    "classes_or_minus_one": lambda rng: rng.randint(-1, CLASSES, ROWS),
    "one_hot": lambda rng: np.eye(CLASSES, dtype=np.float32)[rng.randint(0, CLASSES, ROWS)],
    "distribution": distribution,
    "numbers": lambda rng: grid(rng, 4, (ROWS, CLASSES)),
    "bits": lambda rng: rng.randint(0, 2, (ROWS, CLASSES)).astype(np.float32),
    "signs": lambda rng: (2 * rng.randint(0, 2, (ROWS, CLASSES)) - 1).astype(np.float32),
    "counts": lambda rng: rng.randint(0, 7, (ROWS, CLASSES)).astype(np.float32),
    "bit": lambda rng: rng.randint(0, 2, ROWS),
    "bit_column": lambda rng: rng.randint(0, 2, (ROWS, 1)),
    "number": lambda rng: grid(rng, 4, (ROWS,)),
}


def batches(case: Case) -> list[Batch]:
    """STEPS batches (x, y, sample weight or None)."""
    rng = np.random.RandomState(zlib.crc32(case.family.encode()))
    result = []
    for _ in range(STEPS):
        x = INPUTS[case.inputs](rng)
        weight = (rng.randint(0, 9, ROWS) / 4).astype(np.float32)
        result.append((x, TARGETS[case.targets](rng), weight if case.weighted else None))
    return result


def first_weights(case: Case, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    """As wide as Glorot's uniform initializer draws them; biases are small, but not zero."""
    rng = np.random.RandomState(zlib.crc32(case.family.encode()) ^ 1)
    limits = [math.sqrt(6 / sum(shape)) if len(shape) == 2 else 0.1 for shape in shapes]
    return [
        grid(rng, limit, shape) * np.float32(case.scale)
        for limit, shape in zip(limits, shapes, strict=True)
    ]


def checksum(case: Case, shapes: list[tuple[int, ...]]) -> int:
    """CRC-32 of everything that a run starts from."""
    arrays = [array for batch in batches(case) for array in batch if array is not None]
    return zlib.crc32(b"".join(array.tobytes() for array in arrays + first_weights(case, shapes)))


def build(k: Any, case: Case) -> Any:
    """The compiled model with its first weights."""
    shape = batches(case)[0][0].shape[1:]
    model = k.Sequential([k.Input(shape), *case.layers(k)])
    shapes = [weight.shape for weight in model.get_weights()]
    model.set_weights(first_weights(case, shapes))
    model.compile(optimizer=case.optimizer(k), loss=case.loss(k))
    return model


def run(k: Any, case: Case) -> tuple[list[float], list[list[np.ndarray]]]:
    """Twenty steps: the loss of each, and the weights before the first and after each (21)."""
    model = build(k, case)
    losses, weights = [], [model.get_weights()]
    for step, (x, y, sample_weight) in enumerate(batches(case)):
        if step in case.learning_rates:
            model.optimizer.learning_rate = case.learning_rates[step]
        losses.append(float(model.train_on_batch(x, y, sample_weight=sample_weight)))
        weights.append(model.get_weights())
    return losses, weights
