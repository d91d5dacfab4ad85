"""Initializers: distributions, seeds, names, configs, errors."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from fastnn import initializers as init
from fastnn.utils import next_seed, set_random_seed

SHAPE = (300, 200)
N = math.prod(SHAPE)
# Standard deviation of a normal number cut to [-2, 2]: 1 - 2 c phi(c) / (2 Phi(c) - 1), c = 2.
CUT = math.sqrt(1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(2 / math.sqrt(2)))

# name: (initializer, mean, standard deviation, limit that no value passes)
DISTRIBUTIONS = {
    "normal": (init.RandomNormal(0.5, 0.2, seed=1), 0.5, 0.2, math.inf),
    "uniform": (init.RandomUniform(-1.0, 3.0, seed=1), 1.0, 4 / math.sqrt(12), 3.0),
    "truncated": (init.TruncatedNormal(0.0, 0.2, seed=1), 0, 0.2 * CUT, 0.4),
    "glorot_uniform": (init.GlorotUniform(seed=1), 0, math.sqrt(2 / 500), math.sqrt(6 / 500)),
    "glorot_normal": (
        init.GlorotNormal(seed=1), 0, math.sqrt(2 / 500), 2 * math.sqrt(2 / 500) / CUT,
    ),
    "he_uniform": (init.HeUniform(seed=1), 0, math.sqrt(2 / 300), math.sqrt(6 / 300)),
    "he_normal": (init.HeNormal(seed=1), 0, math.sqrt(2 / 300), 2 * math.sqrt(2 / 300) / CUT),
    "lecun_uniform": (init.LecunUniform(seed=1), 0, math.sqrt(1 / 300), math.sqrt(3 / 300)),
    "lecun_normal": (init.LecunNormal(seed=1), 0, math.sqrt(1 / 300), 2 / math.sqrt(300) / CUT),
    "fan_out": (
        init.VarianceScaling(3.0, "fan_out", "untruncated_normal", seed=1),
        0, math.sqrt(3 / 200), math.inf,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_moments_and_limits(name):
    """Mean and deviation of 60,000 draws lie within 5 of their own standard errors (the deviation's
    is at most sigma / sqrt(2 n) for these); a fan taken the wrong way round is 20 errors off.
    """
    initializer, mean, sigma, limit = DISTRIBUTIONS[name]
    x = initializer(SHAPE)
    assert x.dtype == np.float32 and x.shape == SHAPE
    x = x.astype(np.float64)
    assert abs(x.mean() - mean) < 5 * sigma / math.sqrt(N)
    assert abs(x.std() - sigma) < 5 * sigma / math.sqrt(2 * N)
    assert np.abs(x).max() <= limit * (1 + 2**-23)
    if limit < math.inf:  # and the limit is nearly reached
        assert np.abs(x).max() > 0.98 * limit


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((7,), (7, 7)), ((), (1, 1)), ((3, 5), (3, 5)), ((2, 4, 3, 5), (24, 40))],
)
def test_fans(shape, expected):
    from fastnn.initializers.variance_scaling import fans

    assert fans(shape) == expected


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (2, 3, 4)])
def test_orthogonal(shape):
    q = init.Orthogonal(gain=2.0, seed=1)(shape).astype(np.float64)
    q = q.reshape(-1, shape[-1]) / 2
    rows, columns = q.shape
    product = q @ q.T if rows <= columns else q.T @ q
    # float32 storage: each of the at most 6 products is off by 2 * 2^-24 of at most 1
    np.testing.assert_allclose(product, np.eye(len(product)), atol=6 * 2**-23)


def test_orthogonal_signs_are_random():
    """Without the correction by the diagonal of R the first entries have one sign only."""
    signs = {bool(init.Orthogonal(seed=s)((3, 3))[0, 0] > 0) for s in range(20)}
    assert signs == {True, False}


def test_constants():
    np.testing.assert_array_equal(init.get("zeros")((2, 3)), np.zeros((2, 3), np.float32))
    np.testing.assert_array_equal(init.get("ones")((2,)), np.ones(2, np.float32))
    np.testing.assert_array_equal(init.Constant(0.25)((2, 2)), np.full((2, 2), 0.25, np.float32))
    np.testing.assert_array_equal(init.Identity(3.0)((2, 3)), 3 * np.eye(2, 3, dtype=np.float32))
    given = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(init.get(given)((2, 3)), given.astype(np.float32))


def test_the_same_object_gives_the_same_values_and_others_do_not():
    a, b = init.GlorotUniform(), init.GlorotUniform()
    np.testing.assert_array_equal(a((4, 4)), a((4, 4)))
    assert not np.array_equal(a((4, 4)), b((4, 4)))
    np.testing.assert_array_equal(init.HeNormal(seed=3)((4, 4)), init.HeNormal(seed=3)((4, 4)))


DRAW = "from fastnn import initializers, utils; utils.set_random_seed(42); "
PRINT = "print([initializers.get('glorot_uniform')((2, 2)).tobytes().hex() for _ in range(3)])"


def test_set_random_seed_makes_weights_the_same_in_any_process():
    set_random_seed(42)
    here = [init.get("glorot_uniform")((2, 2)).tobytes().hex() for _ in range(3)]
    assert len(set(here)) == 3
    there = subprocess.run(
        [sys.executable, "-c", DRAW + PRINT], capture_output=True, text=True, check=True
    ).stdout
    assert there.strip() == str(here)


def test_seeds_are_64_bits_and_differ():
    set_random_seed(0)
    seeds = [next_seed() for _ in range(1000)]
    assert len(set(seeds)) == 1000 and all(0 <= s < 2**64 for s in seeds)
    set_random_seed(1)
    assert next_seed() not in seeds


RANDOM = [
    init.RandomNormal(0.1, 0.2, seed=7),
    init.RandomUniform(-0.1, 0.2, seed=7),
    init.TruncatedNormal(0.1, 0.2, seed=7),
    init.VarianceScaling(2.0, "fan_avg", "uniform", seed=7),
    init.Orthogonal(0.5, seed=7),
    init.LecunNormal(seed=7),
]
FIXED = [init.Zeros(), init.Ones(), init.Constant(0.3), init.Identity(2.0)]


@pytest.mark.parametrize("initializer", RANDOM + FIXED, ids=lambda i: type(i).__name__)
def test_a_config_makes_the_same_initializer(initializer):
    config = init.serialize(initializer)
    assert config["class_name"] == type(initializer).__name__
    again = init.deserialize(config)
    assert again.get_config() == initializer.get_config()
    np.testing.assert_array_equal(again((6, 6)), initializer((6, 6)))


@pytest.mark.parametrize(
    ("identifier", "cls"),
    [
        ("glorot_uniform", init.GlorotUniform),
        ("HeNormal", init.HeNormal),
        ("normal", init.RandomNormal),
        ("uniform", init.RandomUniform),
        ("zero", init.Zeros),
        ("one", init.Ones),
        (init.LecunUniform, init.LecunUniform),
        ({"class_name": "Constant", "config": {"value": 2.0}}, init.Constant),
    ],
)
def test_get(identifier, cls):
    assert type(init.get(identifier)) is cls


def test_a_function_is_an_initializer():
    def halves(shape, dtype=None):
        return np.full(shape, 0.5, dtype)

    assert init.get(halves) is halves
    with pytest.raises(ValueError, match="halves.* cannot be saved"):
        init.serialize(halves)
    assert init.get(None) is None


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: init.get("glorot"), ValueError, "'glorot'"),
        (lambda: init.get(3), ValueError, "3"),
        (lambda: init.get(dict), ValueError, "dict"),
        (lambda: init.get({"class_name": "os.system", "config": {}}), ValueError, "os.system"),
        (lambda: init.deserialize({"config": {}}), ValueError, "class_name"),
        (lambda: init.RandomNormal(seed=1.5), ValueError, "seed"),
        (lambda: init.RandomNormal(stddev=-1), ValueError, "stddev"),
        (lambda: init.RandomUniform(1.0, 0.0), ValueError, "maxval"),
        (lambda: init.VarianceScaling(0), ValueError, "scale"),
        (lambda: init.VarianceScaling(mode="fan"), ValueError, "mode"),
        (lambda: init.VarianceScaling(distribution="cauchy"), ValueError, "distribution"),
        (lambda: init.Identity()((3,)), ValueError, "matrix"),
        (lambda: init.Orthogonal()((3,)), ValueError, "axes"),
        (lambda: init.get(np.ones(3))((4,)), ValueError, "shape"),
        (lambda: init.HeNormal(scale=1), TypeError, "scale"),
        (lambda: set_random_seed(-1), ValueError, "seed"),
        (lambda: set_random_seed(1.0), ValueError, "seed"),
    ],
)
def test_wrong_use_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
