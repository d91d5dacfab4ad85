"""Single functions: activations, losses, metrics, schedules; at ordinary and at extreme inputs.

Each table maps a name to what is computed with the namespace `k` and the arrays below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.keras_parity.cases import CLASSES, grid

Table = dict[str, Callable[[Any], Any]]

_far = [1e-30, 1e-10, 1e-7, 1e-4, 14.0, 17.0, 20.0, 50.0, 87.0, 89.0, 104.0, 1e4, 1e30, np.inf]
POINTS = np.concatenate(
    [np.linspace(-12, 12, 193), _far, np.negative(_far), [0.0, -0.0, np.nan]]
).astype(np.float32)

_rng = np.random.RandomState(20)
ROWS = 24
SCORES = grid(_rng, 6, (ROWS, CLASSES))
SCORES[0] = [1000, -1000, 0, 500, 999]
SCORES[1] = -1e4
SCORES[2] = [88, 89, 90, -88, -104]
SCORES[3] = 0

# Probabilities whose sums are not one, with exact zeros and ones, and neighbours of both.
CHANCES = ((1 + np.sin(3 * SCORES)) / 2).astype(np.float32)
CHANCES[0] = [0, 1, 0, 1, 0.5]
CHANCES[1] = [1e-8, 1 - 6e-8, 1e-7, 2e-7, 1]
CHANCES[2] = [0, 0, 0, 0, 2e-7]
CHANCES[3] = 1
LABELS = _rng.randint(0, CLASSES, ROWS)
ONE_HOT = np.eye(CLASSES, dtype=np.float32)[LABELS]
BITS = _rng.randint(0, 2, (ROWS, CLASSES)).astype(np.float32)
SIGNS = 2 * BITS - 1
NUMBERS = grid(_rng, 5, (ROWS, CLASSES))
COUNTS = _rng.randint(0, 9, (ROWS, CLASSES)).astype(np.float32)
GUESSES = NUMBERS + grid(_rng, 3, (ROWS, CLASSES))
GUESSES[0] = NUMBERS[0]
GUESSES[1] = NUMBERS[1] + [1, -1, 1e-3, 0, 1e4]
GUESSES[2] = NUMBERS[2] + [50, -50, 100, -100, 20]
WEIGHTS = (_rng.randint(0, 9, ROWS) / 4).astype(np.float32)

# Activations: a function of k and of an array, and the array.
ACTIVATIONS: dict[str, tuple[Callable[[Any, np.ndarray], Any], np.ndarray]] = {
    name: (lambda k, x, name=name: getattr(k.activations, name)(x), POINTS)
    for name in (
        "relu leaky_relu elu selu gelu silu sigmoid tanh softplus exponential linear".split()
    )
}
ACTIVATIONS |= {
    "gelu_tanh": (lambda k, x: k.activations.gelu(x, approximate=True), POINTS),
    "relu_clipped": (lambda k, x: k.activations.relu(x, 0.1, 2.5, 1.25), POINTS),
    "leaky_relu_slope": (lambda k, x: k.activations.leaky_relu(x, negative_slope=0.4), POINTS),
    "elu_alpha": (lambda k, x: k.activations.elu(x, alpha=0.3), POINTS),
    "softmax": (lambda k, x: k.activations.softmax(x), SCORES),
    "softmax_axis": (lambda k, x: k.activations.softmax(x, axis=0), SCORES),
    "log_softmax": (lambda k, x: k.activations.log_softmax(x), SCORES),
}


def losses_of(name: str, y: np.ndarray, p: np.ndarray, **options: Any) -> Table:
    """The loss class in each reduction, with and without sample weights."""
    label = "_".join([name, *(f"{key}_{value}" for key, value in options.items())])
    table = {}
    for reduction in (None, "sum", "sum_over_batch_size", "mean_with_sample_weight"):
        for weights in (None, WEIGHTS):

            def compute(k: Any, reduction=reduction, weights=weights) -> Any:
                loss = getattr(k.losses, name)(reduction=reduction, **options)
                return loss(y, p, sample_weight=weights)

            table[f"{label}/{reduction}{'' if weights is None else '/weighted'}"] = compute
    return table


LOSSES: Table = {
    **losses_of("SparseCategoricalCrossentropy", LABELS, CHANCES),
    **losses_of("SparseCategoricalCrossentropy", LABELS[:, None], SCORES, from_logits=True),
    **losses_of("SparseCategoricalCrossentropy", LABELS, CHANCES, ignore_class=1),
    **losses_of("CategoricalCrossentropy", ONE_HOT, CHANCES),
    **losses_of("CategoricalCrossentropy", ONE_HOT, CHANCES, label_smoothing=0.1),
    **losses_of("CategoricalCrossentropy", ONE_HOT, SCORES, from_logits=True),
    **losses_of("BinaryCrossentropy", BITS, CHANCES),
    **losses_of("BinaryCrossentropy", BITS, CHANCES, label_smoothing=0.1),
    **losses_of("BinaryCrossentropy", BITS, SCORES, from_logits=True),
    **losses_of("MeanSquaredError", NUMBERS, GUESSES),
    **losses_of("MeanAbsoluteError", NUMBERS, GUESSES),
    **losses_of("Huber", NUMBERS, GUESSES),
    **losses_of("Huber", NUMBERS, GUESSES, delta=0.3),
    **losses_of("LogCosh", NUMBERS, GUESSES),
    **losses_of("KLDivergence", CHANCES[::-1], CHANCES),
    **losses_of("Poisson", COUNTS, CHANCES),
    **losses_of("Hinge", BITS, SCORES),
    **losses_of("Hinge", SIGNS, SCORES),
}

FUNCTIONS: Table = {  # the loss functions: a value a row
    "sparse_categorical_crossentropy": lambda k: k.losses.sparse_categorical_crossentropy(
        LABELS, SCORES, from_logits=True
    ),
    "categorical_crossentropy": lambda k: k.losses.categorical_crossentropy(
        ONE_HOT, CHANCES, label_smoothing=0.3
    ),
    "binary_crossentropy": lambda k: k.losses.binary_crossentropy(BITS, CHANCES),
    "mean_squared_error": lambda k: k.losses.mean_squared_error(NUMBERS, GUESSES),
    "mean_absolute_error": lambda k: k.losses.mean_absolute_error(NUMBERS, GUESSES),
    "huber": lambda k: k.losses.huber(NUMBERS, GUESSES, delta=2.0),
    "log_cosh": lambda k: k.losses.log_cosh(NUMBERS, GUESSES),
    "kl_divergence": lambda k: k.losses.kl_divergence(CHANCES[::-1], CHANCES),
    "poisson": lambda k: k.losses.poisson(COUNTS, CHANCES),
    "hinge": lambda k: k.losses.hinge(SIGNS, SCORES),
}

STEPS = [*range(45), 99, 100, 1000]


def rates(name: str, *arguments: Any, **options: Any) -> Callable[[Any], Any]:
    def compute(k: Any) -> Any:
        schedule = getattr(k.optimizers.schedules, name)(*arguments, **options)
        return [float(schedule(step)) for step in STEPS]

    return compute


SCHEDULES: Table = {
    "exponential": rates("ExponentialDecay", 0.1, 7, 0.6),
    "exponential_staircase": rates("ExponentialDecay", 0.1, 7, 0.6, staircase=True),
    "inverse_time": rates("InverseTimeDecay", 0.1, 7, 0.6),
    "inverse_time_staircase": rates("InverseTimeDecay", 0.1, 7, 0.6, staircase=True),
    "piecewise": rates("PiecewiseConstantDecay", [3, 10, 11], [0.5, 0.2, 0.3, 0.01]),
    "polynomial": rates("PolynomialDecay", 0.1, 30),
    "polynomial_power": rates("PolynomialDecay", 0.1, 10, 0.03, power=0.5),
    "polynomial_cycle": rates("PolynomialDecay", 0.1, 10, 0.03, power=2.0, cycle=True),
    "cosine": rates("CosineDecay", 0.1, 40),
    "cosine_alpha": rates("CosineDecay", 0.1, 20, alpha=0.2),
    "cosine_warmup": rates("CosineDecay", 0.02, 20, 0.1, warmup_target=0.3, warmup_steps=8),
    "restarts": rates("CosineDecayRestarts", 0.1, 5),
    "restarts_even": rates("CosineDecayRestarts", 0.1, 7, t_mul=1.0, m_mul=0.7, alpha=0.1),
    "restarts_longer": rates("CosineDecayRestarts", 0.1, 6, t_mul=1.5, m_mul=0.9),
}
