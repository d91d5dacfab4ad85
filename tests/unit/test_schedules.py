"""Learning rate schedules against their formulas, written out with plain numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fastnn.optimizers import schedules

# name: (schedule, {step: rate})
CASES = {
    "exponential": (
        schedules.ExponentialDecay(0.5, 4, 0.25),
        {0: 0.5, 2: 0.5 * 0.5, 4: 0.125, 12: 0.5 * 0.25**3},
    ),
    "exponential staircase": (
        schedules.ExponentialDecay(0.5, 4, 0.25, staircase=True),
        {0: 0.5, 3: 0.5, 4: 0.125, 7: 0.125, 8: 0.5 / 16},
    ),
    "inverse time": (
        schedules.InverseTimeDecay(0.5, 4, 3.0),
        {0: 0.5, 4: 0.5 / 4, 6: 0.5 / 5.5},
    ),
    "inverse time staircase": (
        schedules.InverseTimeDecay(0.5, 4, 3.0, staircase=True),
        {3: 0.5, 4: 0.125, 7: 0.125, 8: 0.5 / 7},
    ),
    "piecewise: a boundary belongs to the value before it": (
        schedules.PiecewiseConstantDecay([3, 5], [1.0, 0.5, 0.1]),
        {0: 1.0, 3: 1.0, 4: 0.5, 5: 0.5, 6: 0.1, 10**9: 0.1},
    ),
    "polynomial": (
        schedules.PolynomialDecay(0.5, 10, 0.1, power=2.0),
        {0: 0.5, 5: 0.4 * 0.25 + 0.1, 10: 0.1, 15: 0.1},
    ),
    "polynomial cycle": (
        schedules.PolynomialDecay(0.5, 10, 0.1, power=1.0, cycle=True),
        {0: 0.5, 10: 0.1, 11: 0.4 * 9 / 20 + 0.1, 20: 0.1, 21: 0.4 * 9 / 30 + 0.1},
    ),
    "cosine": (
        schedules.CosineDecay(0.5, 8, alpha=0.2),
        {0: 0.5, 2: 0.5 * (0.8 * (1 + math.cos(math.pi / 4)) / 2 + 0.2), 4: 0.3, 8: 0.1, 99: 0.1},
    ),
    "cosine warmup": (
        schedules.CosineDecay(0.1, 8, warmup_target=0.5, warmup_steps=4),
        {0: 0.1, 1: 0.2, 3: 0.4, 4: 0.5, 8: 0.25, 12: 0.0},
    ),
    # Cosines of 4, 8, 16, ... steps begin at 0, 4, 12, 28, each half as high.
    "restarts": (
        schedules.CosineDecayRestarts(1.0, 4, t_mul=2.0, m_mul=0.5, alpha=0.1),
        {0: 1.0, 2: 0.55, 4: 0.9 * 0.5 + 0.1, 8: 0.9 * 0.25 + 0.1, 12: 0.9 * 0.25 + 0.1,
         28: 0.9 * 0.125 + 0.1},
    ),
    "restarts of equal length": (
        schedules.CosineDecayRestarts(1.0, 4, t_mul=1.0),
        {0: 1.0, 2: 0.5, 4: 1.0, 6: 0.5, 400: 1.0},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_rates_are_those_of_the_formula(name):
    schedule, expected = CASES[name]
    for step, rate in expected.items():
        assert schedule(step) == pytest.approx(rate, rel=1e-14, abs=1e-16)


@pytest.mark.parametrize("name", CASES)
def test_many_steps_at_once_are_the_steps_one_by_one(name):
    schedule, _ = CASES[name]
    steps = np.arange(60)
    one_by_one = [schedule(int(s)) for s in steps]
    assert all(type(rate) is float for rate in one_by_one)
    np.testing.assert_array_equal(schedule.rates(steps), one_by_one)
    np.testing.assert_array_equal(schedule(steps), one_by_one)


@pytest.mark.parametrize("name", CASES)
def test_a_config_makes_the_same_schedule(name):
    schedule, _ = CASES[name]
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    np.testing.assert_array_equal(again(np.arange(60)), schedule(np.arange(60)))


def test_restarts_begin_on_time_where_the_logarithm_falls_short():
    """log(1000) / log(10) is 2.9999999999999996: cosine number 3 begins at 111 all the same."""
    schedule = schedules.CosineDecayRestarts(1.0, 1, t_mul=10.0)
    assert schedule(111) == 1.0
    assert schedule(110) == pytest.approx((1 + math.cos(0.99 * math.pi)) / 2)


def test_a_users_schedule_may_be_plain_python():
    class Halves(schedules.LearningRateSchedule):
        def __call__(self, step):
            return 1.0 if step < 2 else 0.5

    np.testing.assert_array_equal(Halves().rates(np.arange(4)), [1, 1, 0.5, 0.5])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.9), "decay_steps"),
        (lambda: schedules.CosineDecay(0.1, -1), "decay_steps"),
        (lambda: schedules.CosineDecay("fast", 10), "initial_learning_rate"),
        (lambda: schedules.CosineDecayRestarts(0.1, 0), "first_decay_steps"),
        (lambda: schedules.PolynomialDecay(0.1, 10, power="2"), "power"),
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]), "one value more"),
        (lambda: schedules.deserialize({"class_name": "Sleep", "config": {}}), "Sleep"),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
