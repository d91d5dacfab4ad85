"""What the machine can do at most: loops that are really run, in the time they were given."""

from __future__ import annotations

import time

import pytest

from fastnn import _core

MEMORY = ["read", "copy", "update", "triad"]
ARITHMETIC = [name for name in _core.peak_loops() if name not in MEMORY]
# No core does 16 lanes, 2 units, multiply and add, 8 GHz of float32, or 16 times that of bf16.
MOST_FLOPS = {"fma": 16 * 2 * 2 * 8e9}
MOST_BYTES = 1e12  # two vectors of 64 bytes a cycle, at 8 GHz


@pytest.mark.parametrize("isa", _core.isas())
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("loop", ARITHMETIC)
def test_arithmetic(loop, threads, isa):
    rates = _core.peak(loop, threads=threads, seconds=0.002, samples=3, isa=isa)
    assert len(rates) == 3
    most = MOST_FLOPS.get(loop, 16 * MOST_FLOPS["fma"])
    assert all(1e7 < rate < threads * most for rate in rates)


@pytest.mark.parametrize("isa", _core.isas())
@pytest.mark.parametrize("bytes", [0, 4096, 100_000, 3_000_000])
@pytest.mark.parametrize("loop", MEMORY)
def test_memory(loop, bytes, isa):
    for threads in (1, 2):
        rates = _core.peak(loop, bytes, threads=threads, seconds=0.002, samples=2, isa=isa)
        assert len(rates) == 2 and all(1e7 < rate < threads * MOST_BYTES for rate in rates)


@pytest.mark.parametrize("loop", ["fma", "copy"])
def test_it_takes_the_time_that_it_is_given(loop):
    start = time.perf_counter()
    _core.peak(loop, 4096, threads=1, seconds=0.02, samples=5)
    assert 0.05 < time.perf_counter() - start < 2


def test_what_is_refused():
    with pytest.raises(ValueError, match="no loop 'abacus' here; there are fma, read, copy,"):
        _core.peak("abacus")
    for wrong in ({"bytes": -1}, {"threads": -1}, {"threads": 5000}, {"seconds": 0}):
        with pytest.raises(ValueError, match="peak: expected bytes of at least 0"):
            _core.peak("copy", **wrong)
    with pytest.raises(ValueError, match="samples|one sample"):
        _core.peak("copy", samples=0)
    with pytest.raises(ValueError, match="'abacus'"):
        _core.peak_loops(isa="abacus")
