"""What a timing was taken on, and whether anything else ran there meanwhile. (Linux)"""

from __future__ import annotations

import contextlib
import os
import platform
import time
from pathlib import Path

FEATURES = "avx2 fma avx512f avx512bw avx512_bf16 amx_tile amx_bf16".split()


def description() -> dict[str, object]:
    """The CPU's name, its vector extensions, CPUs that this process may use, kernel."""
    facts = {}
    for line in Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines():
        key, _, value = line.partition(":")
        facts[key.strip()] = value.strip()
    flags = set(facts.get("flags", "").split())
    return {
        "cpu": facts.get("model name", platform.machine()),
        "isa": [feature for feature in FEATURES if feature in flags],
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
    }


def busy_seconds() -> float:
    """CPU seconds that all processes have spent, since the machine started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) / os.sysconf("SC_CLK_TCK")


def process_seconds(pid: int) -> float:
    """CPU seconds that a process has spent, all its threads together, to the nanosecond; and its
    children that have ended, to the hundredth of a second."""
    own = time.clock_gettime((~pid << 3) | 2)  # the clock that clock_getcpuclockid(3) names
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return own + (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def running(pid: int) -> bool:
    """Whether a thread of the process runs, or would if it had a CPU."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended
            if (task / "stat").read_text().rpartition(") ")[2][0] == "R":
                return True
    return False
