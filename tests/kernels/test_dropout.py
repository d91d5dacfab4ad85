"""Dropout's random numbers, bit by bit; its rates; check_finite."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reference.philox import philox, uniform

from .helpers import normal, sizes_around_vectors


def test_known_answers():
    """The vectors that come with the Random123 library (philox4x32-10)."""
    assert philox(0, 0, 0, 0) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    ones = 2**64 - 1
    assert philox(ones, ones, ones, ones) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


@pytest.mark.parametrize("n", sizes_around_vectors())
@pytest.mark.parametrize("rate", [0.25, 0.3])
def test_dropout(kernel, n, rate):
    x = normal(n, seed=1)
    run = {"seed": 2**63 + 12345, "step": 2**31 + 7}
    kept = uniform(n, run["seed"], 2**32 - 5, run["step"]) >= rate
    expected = np.where(kept, x * np.float32(1 / (1 - rate)), np.float32(0))
    y = kernel("dropout", x, rate=rate, stream=2**32 - 5, **run)
    np.testing.assert_array_equal(y, expected)
    again = kernel("dropout", x, in_place_of=0, rate=rate, stream=2**32 - 5, **run)
    assert again.tobytes() == y.tobytes()


def test_a_rate_that_is_a_random_number_keeps_it(kernel):
    u = uniform(64, 9, 1, 0)
    y = kernel("dropout", np.ones(64, np.float32), rate=float(u[10]), stream=1, seed=9)
    np.testing.assert_array_equal(y != 0, u >= u[10])


def test_rates_0_and_1(kernel):
    x = normal(100)
    x[3] = np.inf
    assert kernel("dropout", x, rate=0.0, stream=1).tobytes() == x.tobytes()
    assert (kernel("dropout", x, rate=1.0, stream=1) == 0).all()


def test_streams_steps_and_seeds_differ(kernel):
    x = np.ones(4096, np.float32)
    base = {"rate": 0.5, "stream": 1, "seed": 1, "step": 1}
    masks = [kernel("dropout", x, **base)]
    masks += [kernel("dropout", x, **{**base, k: 2}) for k in ("stream", "seed", "step")]
    masks.append(kernel("dropout", x, **{**base, "seed": 1 + 2**32}))
    for i, a in enumerate(masks):
        assert abs((a != 0).mean() - 0.5) < 5 * 0.5 / 64  # five standard deviations
        for b in masks[:i]:
            assert abs((a == b).mean() - 0.5) < 5 * 0.5 / 64


@pytest.mark.parametrize("n", [1, 17, 5000])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_check_finite(kernel, n, value):
    x = normal(n)
    x[-1] = 3e38
    assert kernel("check_finite", x, producer=5) == ()
    x[n // 2] = value
    kernel("check_finite", x, producer=5, fault=f"element {n // 2} is not finite")
