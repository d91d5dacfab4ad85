"""How many threads a program gets: by its work, and by how the team fares. No clocks: Pace is told
what steps take on made-up machines."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import _core
from fastnn.keras import Sequential
from fastnn.keras.layers import Dense, Input
from fastnn.planner.signature import signatures
from fastnn.runtime.instr import INSTR, SERIAL

US, MS = 1e3, 1e6  # in ns


def program(n, isa=None, flags=0):
    """One product of two [n, n] matrices."""
    instr = np.zeros(1, INSTR)
    instr["opcode"] = signatures()["matmul_nn"].code
    instr["flags"] = flags
    instr["dims"][0, :3] = n
    instr["operands"]["space"] = -1
    instr["operands"]["space"][0, [0, 1, 4]] = [0, 1, 2]
    return _core.Program(instr, [-1] * 3, isa=isa)


def matrices(n):
    return list(np.ones((3, n, n), np.float32))  # nothing to skip


def product(n, isa=None, flags=0):
    """A runner of one product of two [n, n] matrices."""
    return program(n, isa, flags).bind(matrices(n))


@pytest.mark.parametrize("isa", _core.isas())
def test_team_grows_with_the_work(isa):
    sizes = [product(n, isa).team_size(16) for n in (8, 16, 32, 64, 128, 256, 512)]
    assert sizes == sorted(sizes)
    assert sizes[:2] == [1, 1] and sizes[-1] == 16
    assert any(1 < size < 16 for size in sizes)
    for n in (8, 64, 512):
        runner = product(n, isa)
        assert runner.team_size(1) == 1
        assert runner.team_size(2) == min(2, runner.team_size(16))


def test_serial_work_wakes_nobody():
    assert product(512, flags=SERIAL).team_size(16) == 1
    assert product(512, flags=SERIAL).alone_ns == product(512).alone_ns


@pytest.mark.parametrize("isa", _core.isas())
def test_estimates_follow_the_arithmetic(isa):
    """Eight times the multiply-adds, in a large product nearly eight times the estimate."""
    small, large = product(256, isa).alone_ns, product(512, isa).alone_ns
    assert 7 < large / small <= 8


def test_a_program_bound_anew_goes_on():
    """Each epoch has an order of its own, each train_on_batch a batch, each fit its data: that is
    no reason to measure one thread again."""
    n, changes = 128, 0
    made = program(n)
    for _ in range(3):
        bound = made.bind(matrices(n))
        assert bound.changes == changes
        bound.run(2000)
        changes = bound.changes
        assert changes >= 1  # one thread was measured, and the team went on
        del bound  # data are let go of at the end of a fit
    assert program(n).bind(matrices(n)).changes == 0  # another program


def train(threads, steps=1500):
    """A training whose step is short enough to be measured and worth two threads: its weights, and
    how often it changed pace."""
    before = fastnn.num_threads()
    fastnn.set_num_threads(threads)
    try:
        fastnn.utils.set_random_seed(1)
        model = Sequential([Input((64,)), Dense(64, "relu"), Dense(64, "relu"), Dense(10)])
        trainer = fastnn.Trainer(model, "adam", "mse", seed=1)
        rng = np.random.default_rng(0)
        x = rng.normal(size=(128 * steps, 64)).astype(np.float32)
        y = rng.normal(size=(128 * steps, 10)).astype(np.float32)
        trainer.train_rows(x, y, batch_size=128)
        (program,) = trainer._programs.values()
        runner = program._runner
        assert runner.team_size(threads) == threads
        return runner.changes, b"".join(w.tobytes() for w in model.get_weights())
    finally:
        fastnn.set_num_threads(before)


def test_a_change_of_pace_does_not_change_bits():
    changes, weights = train(1)
    assert changes == 0
    for threads in (2, 3):
        changes, others = train(threads)
        assert changes >= 1  # one thread is measured first, then the team, which may stay
        assert others == weights, threads


# ---- the pace on machines where a step takes team(i) or alone ns


def shares(pace, team, alone, steps):
    """Runs `steps` steps; returns (share of the time with the team, mean ns of a step)."""
    total = with_team = 0.0
    for i in range(steps):
        ns = team(i) if pace.team else alone
        total += ns
        with_team += ns if pace.team else 0
        pace.passed(ns)
    return with_team / total, total / steps


def test_a_fast_team_goes_on():
    pace = _core.Pace(2, 60 * US)
    share, _ = shares(pace, lambda i: 35 * US, 60 * US, 100_000)
    assert share > 0.99


def test_a_slow_team_is_tried_less_and_less():
    """Twice as slow as one thread (far CPUs): the whole is within a few percent of one thread."""
    pace = _core.Pace(2, 60 * US)
    shares(pace, lambda i: 120 * US, 60 * US, 20_000)
    share, mean = shares(pace, lambda i: 120 * US, 60 * US, 20_000)
    assert share < 0.02 and mean < 1.02 * 60 * US


def held_up(pace, slice_ns=4 * MS):
    """A team whose second thread is kept off its CPU for every other slice while the team works; a
    while alone, it has a slice in hand."""
    left = slice_ns

    def team(i):
        nonlocal left
        left -= 330 * US
        if left > 0:
            return 330 * US
        left = slice_ns
        return 330 * US + slice_ns

    return team


def test_a_team_that_is_held_up_gives_way():
    """The founding step beside a busy process: about the time of one thread, not of two taking
    turns."""
    pace = _core.Pace(2, 600 * US)
    team = held_up(pace)
    shares(pace, team, 600 * US, 2000)
    _, mean = shares(pace, team, 600 * US, 10_000)
    assert mean < 1.05 * 600 * US


def test_the_team_comes_back():
    pace = _core.Pace(2, 600 * US)
    shares(pace, held_up(pace), 600 * US, 10_000)
    shares(pace, lambda i: 330 * US, 600 * US, 1000)
    share, _ = shares(pace, lambda i: 330 * US, 600 * US, 1000)
    assert share == 1
    # All is as before: the next mishap costs a short rest again.
    _, mean = shares(pace, lambda i: (330 + 4000 * (i == 10)) * US, 600 * US, 1000)
    assert mean < 1.02 * (330 + 4000 / 1000) * US


def test_one_mishap_costs_little():
    """A single slice lost, in a second: a short rest, and the team goes on."""
    pace = _core.Pace(2, 600 * US)
    shares(pace, lambda i: 330 * US, 600 * US, 1000)
    _, mean = shares(pace, lambda i: (330 + 4000 * (i == 10)) * US, 600 * US, 3000)
    assert mean < 1.02 * (330 + 4000 / 3000) * US


def test_a_machine_that_slows_down_keeps_its_team():
    """All clocks halve: the team is slower than one thread used to be, and still the faster."""
    pace = _core.Pace(2, 600 * US)
    shares(pace, lambda i: 330 * US, 600 * US, 1000)
    shares(pace, lambda i: 700 * US, 1250 * US, 100)
    share, _ = shares(pace, lambda i: 700 * US, 1250 * US, 3000)
    assert share > 0.99


def test_a_bad_measurement_does_not_last():
    """Something else took the CPU while one thread was measured: a team a sixth slower than one
    thread looked like the better choice."""
    pace = _core.Pace(2, 60 * US)
    for _ in range(80):
        pace.passed((70 if pace.team else 80) * US)
    shares(pace, lambda i: 70 * US, 60 * US, 20_000)
    _, mean = shares(pace, lambda i: 70 * US, 60 * US, 20_000)
    assert mean < 1.02 * 60 * US


def test_a_slim_advantage_is_kept():
    pace = _core.Pace(2, 60 * US)
    share, _ = shares(pace, lambda i: 54 * US, 60 * US, 100_000)
    assert share > 0.9


def test_long_steps_are_not_tried_alone():
    """One thread would take a second: the team works from the first step, and is left only when it
    takes longer than one thread could."""
    pace = _core.Pace(16, 1000 * MS)
    share, _ = shares(pace, lambda i: 80 * MS, 1000 * MS, 50)
    assert share == 1
    pace.passed(1500 * MS)
    assert not pace.team


def test_brief_steps_begin_on_one_thread():
    """65 us alone, 35 us with a team that is awake, and a millisecond to wake it."""
    pace = _core.Pace(2, 65 * US)
    assert not pace.team
    shares(pace, lambda i: 35 * US, 65 * US, 100)
    assert pace.team  # after 2 ms
    pace.idled(0.5 * MS)
    assert pace.team
    for _ in range(1000):  # one prediction now and then
        pace.idled(10 * MS)
        assert not pace.team
        pace.passed(65 * US)


def test_a_slow_team_of_brief_steps_stays_away():
    """Bursts of 20 ms, half a second apart."""
    pace = _core.Pace(2, 65 * US)
    shares(pace, lambda i: 70 * US, 65 * US, 20_000)
    with_team = 0
    for _ in range(20):
        pace.idled(500 * MS)
        with_team += shares(pace, lambda i: 70 * US, 65 * US, 300)[0] / 20
    assert with_team < 0.05


def test_steps_that_repay_waking_threads_do_not():
    pace = _core.Pace(2, 600 * US)
    assert pace.team
    shares(pace, lambda i: 330 * US, 600 * US, 1000)
    assert pace.team
    pace.idled(10 * MS)
    assert pace.team


def test_what_held_the_team_up_is_forgotten_in_time():
    pace = _core.Pace(2, 600 * US)
    shares(pace, held_up(pace), 600 * US, 10_000)
    while pace.team:
        shares(pace, held_up(pace), 600 * US, 1)
    pace.idled(100 * MS)
    assert not pace.team  # it rests as long as it did before
    pace.idled(300 * MS)
    assert pace.team
