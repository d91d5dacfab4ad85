"""Routines: programs whose input and result lie somewhere else in every run, from any thread."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from fastnn import _core
from fastnn.planner.signature import signatures
from fastnn.runtime.instr import BARRIER, INSTR

ROWS, WIDTH = 300, 32
ARENA, X, OUT, WEIGHTS = range(4)


def add_twice(weights, rows=ROWS, **changes):
    """out = (x + weights) + weights, the sum in between in the arena, which threads share."""
    instrs = np.zeros(2, INSTR)
    instrs["opcode"] = signatures()["add"].code
    instrs["flags"] = BARRIER
    instrs["dims"][:, :6] = [rows, rows, WIDTH, WIDTH, rows, WIDTH]
    instrs["operands"]["space"] = -1
    instrs["operands"]["space"][:, :3] = [[X, WEIGHTS, ARENA], [ARENA, WEIGHTS, OUT]]
    nbytes = rows * WIDTH * 4
    arguments = {
        "arena": ARENA,
        "x": X,
        "out": OUT,
        "arena_bytes": nbytes,
        "x_shape": (rows, WIDTH),
        "x_dtype": np.dtype(np.float32),
        "out_shape": (rows, WIDTH),
        "plan": None,
    }
    program = _core.Program(instrs, [nbytes, -1, -1, -1])
    return _core.Routine(program, [None, None, None, weights], **arguments | changes)


def rows_of(value, rows=ROWS):
    return np.full((rows, WIDTH), value, np.float32)


def test_memory_that_moves():
    """Wherever the arrays lie, at any alignment of a float."""
    routine, memory = add_twice(rows_of(10)), np.zeros(2 * ROWS * WIDTH + 64, np.float32)
    assert routine.out_shape == (ROWS, WIDTH)
    for shift in range(20):
        x = memory[shift : shift + ROWS * WIDTH].reshape(ROWS, WIDTH)
        x[...] = np.arange(ROWS * WIDTH).reshape(x.shape)
        out = memory[x.size + shift : 2 * x.size + shift].reshape(ROWS, WIDTH)
        expected = x + 20
        assert routine.run(x, out, 0) is None
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("rows, threads", [(3, 1), (ROWS, 1), (ROWS, 2), (ROWS, 5)])
def test_steps_move_on(rows, threads):
    """A caller does many rows in steps of one routine, and the rest in one of another."""

    class Caller(_core.Caller):
        def _prepare(self, x):
            return x, add_twice(rows_of(10, rows), rows), add_twice(rows_of(10, 1), 1), 7

    before = _core.num_threads()
    _core.set_num_threads(threads)
    try:
        x = np.arange((7 * rows + 1) * WIDTH, dtype=np.float32).reshape(-1, WIDTH)
        np.testing.assert_array_equal(Caller(np.zeros(1, np.int64), rows, 4, 0)(x), x + 20)
    finally:
        _core.set_num_threads(before)


def test_runs_at_the_same_time():
    """Each in a lane of its own: the sums in between do not meet."""
    routine, wrong = add_twice(rows_of(10)), []

    def work(value):
        x, out = rows_of(value), rows_of(np.nan)
        for _ in range(300):
            out[...] = np.nan
            routine.run(x, out, 0)
            if not (out == value + 20).all():
                wrong.append(value)

    workers = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not wrong and not any(worker.is_alive() for worker in workers)


def test_what_is_refused():
    weights = rows_of(10)
    routine = add_twice(weights)
    with pytest.raises(ValueError, match=r"it writes to space 2, .* overlaps space 3"):
        routine.run(rows_of(1), weights, 0)
    assert routine.run(weights, rows_of(0), 0) is None  # reading them twice is fine
    x = rows_of(1)
    for wrong in (
        (x, x),
        (x, x[:10]),
        (x[:10], rows_of(0)),
        (x.astype(np.float64), rows_of(0)),
        (x.reshape(WIDTH, ROWS), rows_of(0)),
        (x[:, ::-1], rows_of(0)),
    ):
        with pytest.raises(ValueError, match="expected arrays of the shapes and types it has"):
            routine.run(*wrong, 0)
    locked = rows_of(0)
    locked.flags.writeable = False
    with pytest.raises(ValueError, match="array is not writeable"):
        routine.run(x, locked, 0)
    np.testing.assert_array_equal(weights, rows_of(10))


def test_what_does_not_fit_together():
    with pytest.raises(ValueError, match=r"needs 38400 bytes of space 1, but 128 are bound"):
        add_twice(rows_of(10), x_shape=(1, WIDTH))
    with pytest.raises(ValueError, match=r"needs 38400 bytes of space 2"):
        add_twice(rows_of(10), out_shape=(ROWS, 1))
    with pytest.raises(ValueError, match=r"needs 38400 bytes of space 0"):
        add_twice(rows_of(10), arena_bytes=64)
    with pytest.raises(ValueError, match=r"needs 38400 bytes of space 3"):
        add_twice(rows_of(10, 1))
    with pytest.raises(IndexError):
        add_twice(rows_of(10), x=4)
    with pytest.raises(ValueError, match=r"expected shapes of rows, got \(\)"):
        add_twice(rows_of(10), out_shape=())


def test_the_least_recently_used_goes_first():
    caller = _core.Caller(np.zeros(1, np.int64), ROWS, 3, 0)
    xs = [rows_of(0, n) for n in (1, 2, 3, 4)]
    for x in xs[:3]:
        caller._keep(add_twice(rows_of(10, len(x)), len(x)))
    caller._confirm(0)
    caller(xs[0])
    caller._keep(add_twice(rows_of(10, 4), 4))
    assert caller.kept == 3
    assert [caller._find(x, len(x)) is not None for x in xs] == [True, False, True, True]
    caller._forget()
    assert caller.kept == 0
    with pytest.raises(AttributeError, match="_prepare"):
        caller(xs[0])
