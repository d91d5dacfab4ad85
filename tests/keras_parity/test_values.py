"""Single functions in fastnn against real Keras: the same numbers in, the same numbers out."""

from __future__ import annotations

import numpy as np
import pytest

from tests.keras_parity import golden
from tests.keras_parity.initializer_cases import EXACT, QUANTILES, RANDOM
from tests.keras_parity.metric_cases import METRICS
from tests.keras_parity.value_cases import ACTIVATIONS, FUNCTIONS, LOSSES, SCHEDULES

HALF_ULP = 2.0**-24


@pytest.fixture(scope="module")
def k():
    from fastnn import keras

    return keras


def kept(name: str, floatx: str = "float32") -> np.ndarray:
    return golden.load(f"values_{floatx}")[name].astype(np.float64)


def assert_close(ours, keras: np.ndarray, allowed) -> None:
    """NaN and infinity where Keras has them; elsewhere within `allowed` of Keras."""
    ours = np.asarray(ours, np.float64)
    assert ours.shape == keras.shape
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(keras))
    infinite = np.isinf(keras)
    np.testing.assert_array_equal(ours[infinite], keras[infinite])
    finite = np.isfinite(keras)
    error = np.abs(ours[finite] - keras[finite])
    excess = error - np.broadcast_to(allowed, keras.shape)[finite]
    worst = np.argmax(excess)
    assert excess[worst] <= 0, (
        f"{ours[finite][worst]} where Keras has {keras[finite][worst]}: off by {error[worst]:.2e}"
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name, k):
    """Within 8 half ulps of the exact value, or twice as far from it as Keras is in float32.

    Exact is Keras in float64, but for what rounds away there (e^x - 1 of a tiny x, 1 + tanh x of a
    large negative one). At minus infinity Keras multiplies infinity by zero for gelu and silu;
    fastnn gives the limit.
    """
    compute, x = ACTIVATIONS[name]
    exact = kept(f"activations/{name}", "float64")
    keras = kept(f"activations/{name}")
    exact[np.isinf(keras)] = keras[np.isinf(keras)]  # float32 overflows earlier
    exact[np.isnan(exact) & np.isneginf(x)] = 0
    with np.errstate(invalid="ignore"):
        distance = np.nan_to_num(np.abs(keras - exact), nan=0.0)
        allowed = 8 * HALF_ULP * np.nan_to_num(np.abs(exact), posinf=0) + 2 * distance
    with np.errstate(all="ignore"):
        ours = compute(k, x)
    assert_close(
        ours, exact, allowed + 2.0**-50 * (1 + np.abs(np.nan_to_num(x, posinf=0, neginf=0)))
    )


@pytest.mark.parametrize("name", [*LOSSES, *FUNCTIONS])
def test_loss(name, k):
    """Rounding of the exponentials, logarithms and sums: 16 half ulps of the larger of value and 1.

    1, because a loss such as log_cosh subtracts numbers of that size for a small result.
    """
    if name in LOSSES:
        keras, ours = kept(f"losses/{name}"), LOSSES[name](k)
    else:
        keras, ours = kept(f"functions/{name}"), FUNCTIONS[name](k)
    assert_close(ours, keras, 16 * HALF_ULP * np.maximum(1, np.abs(keras)))


@pytest.mark.parametrize("name", METRICS)
def test_metric(name, k):
    """Counts are exact; means carry the rounding of Keras' float32 sums over 24 rows."""
    keras = kept(f"metrics/{name}")
    assert_close(METRICS[name](k), keras, 32 * HALF_ULP * np.maximum(1, np.abs(keras)))


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule(name, k):
    """Keras computes the rate in float32; a cosine near its end loses to cancellation there."""
    keras = kept(f"schedules/{name}")
    assert_close(SCHEDULES[name](k), keras, 16 * HALF_ULP * np.abs(keras).max())


@pytest.mark.parametrize("name", EXACT)
def test_constant(name, k):
    ours = EXACT[name](k)
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, golden.load("values_float32")[f"constants/{name}"])


@pytest.mark.parametrize("name", RANDOM)
def test_random_initializer(name, k):
    """Two samples of n = 120,000 of one distribution: by Kolmogorov and Smirnov their distribution
    functions are nowhere further apart than sqrt(-ln(p/2)/n), but with probability p = 1e-6. (The
    seed is fixed, so the test passes always or never.)
    """
    ours = np.sort(RANDOM[name](k).ravel()).astype(np.float64)
    quantiles = kept(f"initializers/{name}")
    below = np.searchsorted(ours, quantiles[1:-1]) / ours.size
    limit = np.sqrt(-np.log(1e-6 / 2) / ours.size)
    assert np.abs(below - QUANTILES[1:-1]).max() < limit
    if "Uniform" in name or "Truncated" in name or "uniform" in name or "_truncated" in name:
        width = quantiles[-1] - quantiles[0]  # bounded: the ends are as sharp as Keras'
        np.testing.assert_allclose(ours[[0, -1]], quantiles[[0, -1]], atol=2e-3 * width)


@pytest.mark.parametrize("shape", [(300, 400), (400, 300), (20, 5, 30)])
def test_orthogonal_is_orthogonal(shape, k):
    q = k.initializers.Orthogonal(gain=2.0, seed=1)(shape).reshape(-1, shape[-1])
    gram = q @ q.T if q.shape[0] < q.shape[1] else q.T @ q
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-4)
