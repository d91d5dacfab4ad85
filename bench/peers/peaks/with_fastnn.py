"""What the machine can do at most, by fastnn's own loops (`csrc/cpu/peaks.h`)."""

from __future__ import annotations

from protocol import Skipped, options, serve
from threads import spread

chosen = options()

from fastnn import __version__, _core  # noqa: E402  (after the process is bound to its CPUs)


def prepare(case: str):
    """A loop, and for memory the bytes of all threads' arrays together: "fma", "copy 80000000"."""
    loop, _, size = case.rpartition(" ") if case[-1].isdigit() else (case, "", "0")
    if loop not in _core.peak_loops():
        raise Skipped(f"this CPU has only {', '.join(_core.peak_loops())}")
    arrays = {"copy": 2, "triad": 3}.get(loop, 1)
    bytes = int(size) // (arrays * chosen.threads)
    return lambda: {
        "rate": max(_core.peak(loop, bytes, threads=chosen.threads, seconds=0.02, samples=3))
    }


spread(lambda: _core.peak("fma", threads=chosen.threads, samples=1), chosen.threads)
serve(prepare, {"fastnn": __version__}, chosen.threads)
