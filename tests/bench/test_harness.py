"""The benchmarks' harness: it measures what is there, and refuses what was disturbed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from bench.harness import Case, Worker, by_case, measure, ratio, refusals, rows
from bench.harness.machine import process_seconds

BENCH = Path(__file__).parents[2] / "bench"
SLEEPER = Path(__file__).parent / "sleeper.py"


@pytest.fixture
def sleepers():
    """Makes workers, and ends them."""
    made = []

    def make(peer: str, mode: str = "calm") -> Worker:
        made.append(Worker(peer, mode, SLEEPER, sys.executable, {"threads": 1}))
        return made[-1]

    yield make
    for worker in made:
        worker.process.kill()
        worker.close()


def test_a_worker(sleepers):
    worker = sleepers("sleeper")
    assert worker.hello == {"versions": {"sleeper": "1"}, "threads": 1}
    heard = worker.run("spin 0.002", repeat=4, calls=5)
    assert heard["told"] == "0.002" and len(heard["seconds"]) == 4
    assert min(heard["seconds"]) >= 0.002
    assert worker.cpu_seconds() >= 4 * 5 * 0.002 * 0.99
    assert worker.run("skip 0") == {"skipped": "it is tired"}
    assert worker.finish() == {"slept": True} and worker.process.returncode == 0


def test_a_worker_that_breaks_is_quoted(sleepers):
    worker = sleepers("sleeper")
    with pytest.raises(RuntimeError, match="(?s)sleeper calm ended with status 1.*it is broken"):
        worker.run("crash 0")


def test_medians_and_ratios(sleepers):
    workers = [sleepers("fastnn"), sleepers("peer")]
    cases = [Case("sleep 0.003", {"flops": 9}), Case("skip 1")]
    measurement = measure(workers, cases, rounds=3, turn=0.01)
    made = rows(measurement)
    assert [(row["peer"], row["case"]) for row in made] == [
        ("fastnn", "sleep 0.003"),
        ("peer", "sleep 0.003"),
        ("fastnn", "skip 1"),
        ("peer", "skip 1"),
    ]
    for row in made[:2]:
        assert len(row["seconds"]) == 3 and row["flops"] == 9 and row["told"] == "0.003"
        assert row["median"] == sorted(row["seconds"])[1] >= 0.003
        assert row["cpu_median"] < 0.003
    assert made[1]["ratio"] == made[0]["median"] / made[1]["median"]
    assert ratio(made, "sleep 0.003", ("fastnn", "calm"), ("peer", "calm")) == made[1]["ratio"]
    assert ratio(made, "skip 1", ("fastnn", "calm"), ("peer", "calm")) is None
    assert made[2]["skipped"] == "it is tired" and made[3]["ratio"] is None
    assert by_case(made).splitlines()[0].split() == ["case", "fastnn", "calm", "peer", "calm"]


def test_peaks_are_measured_beside(sleepers):
    peaks = ["fma", "copy 1000000", "amx of another machine"]
    measurement = measure([sleepers("fastnn")], [Case("sleep 0")], 1, turn=None, peaks=peaks)
    assert list(measurement.peaks) == ["fma", "copy 1000000"]
    assert min(measurement.peaks.values()) > 1e8


def test_short_calls_are_timed_many_together(sleepers):
    [result] = measure([sleepers("fastnn")], [Case("spin 0")], rounds=1, turn=0.001).results
    assert result.calls > 10 and result.repeat >= 3


def test_calls_timed_alone_tell_their_tail(sleepers):
    measurement = measure([sleepers("fastnn")], [Case("wake 0.0001")], 3, turn=0.1, sample=0)
    [result], [row] = measurement.results, rows(measurement)
    assert result.calls == 1 and result.repeat >= 100
    assert row["median"] <= row["p99"] == sorted(result.p99)[1]


def test_latency_alone(tmp_path):
    record = tmp_path / "record.jsonl"
    command = "--only fastnn --threads 1 --rounds 1 --networks 4-3-2 --batches 1 20".split()
    came = subprocess.run(
        [sys.executable, str(BENCH / "latency.py"), *command, "--json", str(record)],
        capture_output=True,
        text=True,
    )
    assert came.returncode == 1, came.stderr
    assert "REFUSED: 1 rounds are fewer than 7" in came.stdout
    made = json.loads(record.read_text())["rows"]
    assert {row["case"] for row in made} == {"4-3-2 1", "4-3-2 20"} and len(made) == 8
    assert len({row["squares"] for row in made}) == 2  # all modes predict the same


def test_a_peer_that_works_while_it_waits_is_refused(sleepers):
    workers = [sleepers("fastnn"), sleepers("peer", "restless")]
    measurement = measure(workers, [Case("sleep 0.02")], rounds=1, turn=None)
    assert any(
        reason.startswith("peer restless took") and "while it waited" in reason
        for reason in refusals(Namespace(rounds=7), measurement)
    )


def test_foreign_load_is_refused(sleepers, monkeypatch):
    spinning = [sys.executable, "-c", "print(flush=True)\nwhile True: pass"]
    foreign = subprocess.Popen(spinning, stdout=subprocess.PIPE)
    try:
        foreign.stdout.readline()
        worker = sleepers("fastnn")
        # A machine on which nothing runs but these three.
        pids = [os.getpid(), worker.process.pid, foreign.pid]
        module = sys.modules["bench.harness.measure"]
        monkeypatch.setattr(module, "busy_seconds", lambda: sum(map(process_seconds, pids)))
        measurement = measure([worker], [Case("sleep 0.3")], 1, turn=None)
        assert measurement.foreign_share > 0.2 / os.cpu_count()
        seen = refusals(Namespace(rounds=7), measurement)
        assert any("other processes took" in reason for reason in seen)
        measurement = measure([worker], [Case("sleep 0.3")], 1, turn=None, known=[foreign.pid])
        assert measurement.foreign_share < 0.05
        assert refusals(Namespace(rounds=7), measurement) == []
    finally:
        foreign.kill()
        foreign.communicate()


def test_too_few_rounds_are_refused(sleepers):
    measurement = measure([sleepers("fastnn")], [Case("sleep 0.01")], rounds=1, turn=None)
    assert "1 rounds are fewer than 7" in refusals(Namespace(rounds=1), measurement)


def run_mnist_epoch(folder: Path, *more: str) -> subprocess.CompletedProcess:
    """On a tiny set of noise, from which nothing can be learnt."""
    random = np.random.default_rng(0)
    x, y = random.integers(0, 256, (300, 28, 28), np.uint8), random.integers(0, 10, 300)
    np.savez(folder / "mnist.npz", x_train=x, y_train=y, x_test=x[:50], y_test=y[:50])
    command = [sys.executable, str(BENCH / "mnist_epoch.py"), "--data", str(folder), *more]
    return subprocess.run(command, capture_output=True, text=True)


def test_mnist_epoch_alone_and_refused(tmp_path):
    record = tmp_path / "record.jsonl"
    came = run_mnist_epoch(
        tmp_path, "--only", "fastnn", "--threads", "1", "--rounds", "2", "--json", str(record)
    )
    assert came.returncode == 1, came.stderr
    assert "REFUSED: 2 rounds are fewer than 7" in came.stdout
    assert "REFUSED: fastnn fit has test accuracy" in came.stdout
    read = json.loads(record.read_text())
    row, bf16 = read["rows"]
    assert (row["mode"], bf16["mode"]) == ("fit", "bf16")
    assert read["benchmark"] == "mnist_epoch" and read["threads"] == row["threads"] == 1
    assert len(row["seconds"]) == 2 and row["ratio"] is None and len(read["refused"]) >= 2


def test_a_missing_peer_is_named_and_left_out(tmp_path):
    false = tmp_path / "python"
    false.write_text("#!/bin/sh\nexit 1\n")
    false.chmod(0o755)
    came = run_mnist_epoch(tmp_path, "--only", "torch", "--peer", f"torch={false}")
    assert f"torch: skipped, {false} has none" in came.stderr
    assert came.returncode == 1 and "nothing to compare" in came.stderr


def test_a_peer_that_the_benchmark_does_not_know(tmp_path):
    came = run_mnist_epoch(tmp_path, "--peer", f"abacus={sys.executable}")
    assert came.returncode == 2 and "'abacus' is none of fastnn, keras, torch, jax" in came.stderr
