"""The team of threads: barriers that hold, forks, callers at the same time, signals, the end."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from fastnn import _core
from fastnn.planner.signature import signatures
from fastnn.runtime.instr import BARRIER, INSTR

ROWS, WIDTH = 100, 16


def mirror():
    """A program that adds 2 to `value` in a step: it copies the rows upside down and adds 1, there
    and back, so that each thread reads what another has just written. And `value`, at first 0."""
    instrs = np.zeros(2, INSTR)
    instrs["opcode"] = signatures()["gather_f32_f32"].code
    instrs["flags"] = BARRIER
    instrs["dims"][:, :2] = [WIDTH, ROWS]
    instrs["attrs"][:, :2] = 1
    instrs["operands"]["space"] = -1
    instrs["operands"]["space"][:, :3] = [[0, 2, 1], [1, 2, 0]]
    here, there = np.zeros((2, ROWS, WIDTH), np.float32)
    order = np.arange(ROWS, dtype=np.int64)[::-1].copy()
    return _core.Program(instrs, [-1, -1, -1]).bind([here, there, order]), here


@pytest.mark.parametrize("threads, rounds", [(1, 1000), (2, 20000), (3, 2000), (7, 500)])
def test_nobody_passes_a_barrier_early(threads, rounds):
    parts, failures, _ = _core.barrier_check(threads, rounds)
    assert (parts, failures) == (threads, 0)


def test_many_short_runs():
    for i in range(300):
        threads = (2, 7, 3)[i % 3]
        assert _core.barrier_check(threads, 1)[:2] == (threads, 0)


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_every_thread_walks_the_whole_list(threads):
    runner, value = mirror()
    assert runner.run(steps=300, threads=threads) is None
    assert (value == 600).all()


def test_callers_at_the_same_time():
    """Each has its own program; whoever finds the team busy runs alone, with the same result."""
    results = {}

    def call(name):
        runner, value = mirror()
        for _ in range(50):
            runner.run(steps=20, threads=2)
        results[name] = value.copy()

    callers = [threading.Thread(target=call, args=(i,), daemon=True) for i in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert len(results) == 4 and all((value == 2000).all() for value in results.values())


def test_callers_of_one_runner_take_turns():
    runner, value = mirror()

    def call():
        for _ in range(50):
            runner.run(steps=20, threads=2)

    callers = [threading.Thread(target=call, daemon=True) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert (value == 4 * 50 * 40).all()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")
def test_threads_do_not_share_a_cpu():
    """One that is woken on the CPU of another moves, and keeps its affinity."""
    for _ in range(5):
        here, there, before, after = _core.seating_check()
        assert here != there and before == after == len(os.sched_getaffinity(0))


# ---- what may only be tried in a process of its own

PRELUDE = """
import os, signal, sys, threading, time
import numpy as np
from fastnn import _core
from fastnn.planner.signature import signatures
from fastnn.runtime.instr import BARRIER, INSTR

def in_child(check):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os._exit(0 if check() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


def run_script(script: str, **environment) -> str:
    code = PRELUDE + textwrap.dedent(script)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_fork_after_a_run():
    """The child builds a team of its own, and so does its child; the parent keeps its team."""
    run_script(
        """
        def team_works():
            return _core.barrier_check(2, 100)[:2] == (2, 0)
        assert team_works()
        assert in_child(lambda: team_works() and in_child(team_works) == 0) == 0
        assert team_works()
        """
    )


def test_fork_from_another_thread():
    run_script(
        """
        results = []
        def team_works():
            return _core.barrier_check(2, 100)[:2] == (2, 0)
        assert team_works()
        thread = threading.Thread(target=lambda: results.append(in_child(team_works)))
        thread.start(); thread.join()
        assert results == [0] and team_works()
        """
    )


def test_fork_in_the_middle_of_a_run():
    """Team and runner are in use by a thread that the child does not have."""
    run_script(
        """
        instr = np.zeros(1, INSTR)
        instr["opcode"] = signatures()["fill"].code
        instr["dims"][0, 0], instr["flags"] = 100, BARRIER
        runner = _core.Program(instr, [400]).bind([_core.allocate(400)])
        def use():
            return runner.run(threads=2) is None and _core.barrier_check(2, 10)[:2] == (2, 0)
        busy = True
        def keep_running():
            while busy:
                runner.run(steps=20000, threads=2)
        thread = threading.Thread(target=keep_running, daemon=True)
        thread.start()
        for _ in range(5):
            time.sleep(0.02)
            assert in_child(use) == 0
        busy = False
        thread.join()
        assert use()
        """
    )


def test_exit_while_workers_sleep_or_spin():
    assert run_script("_core.barrier_check(7, 10); time.sleep(0.3); print('slept')") == "slept"
    assert run_script("_core.barrier_check(7, 10); print('spinning')") == "spinning"


def test_workers_leave_signals_to_python():
    blocked = run_script(
        """
        _core.barrier_check(3, 1)
        tasks = sorted(map(int, os.listdir("/proc/self/task")))
        assert tasks[0] == os.getpid()
        for task in tasks:
            status = open(f"/proc/self/task/{task}/status").read()
            mask = int(status.split("SigBlk:")[1].split()[0], 16)
            print(bool(mask >> (signal.SIGINT - 1) & 1), end=" ")
        """,
        OPENBLAS_NUM_THREADS="1",
    )
    assert blocked == "False True True"


def test_num_threads():
    before = _core.num_threads()
    try:
        _core.set_num_threads(7)
        assert _core.num_threads() == 7
        assert _core.info()["threads_reason"].startswith("7: set_num_threads")
        for wrong in (0, -1, 1025):
            with pytest.raises(ValueError, match=f"expected 1 to 1024, got {wrong}"):
                _core.set_num_threads(wrong)
        assert _core.num_threads() == 7
    finally:
        _core.set_num_threads(before)


def test_num_threads_from_the_environment():
    show = "print(_core.num_threads(), _core.info()['threads_reason'])"
    assert run_script(show, FASTNN_NUM_THREADS="1").startswith("1 1: ")
    many = int(run_script(show, FASTNN_NUM_THREADS="100000").split()[0])
    assert many == int(run_script(show, FASTNN_NUM_THREADS="").split()[0])
