"""How many threads: CPUs by affinity, the quota of control groups, FASTNN_NUM_THREADS."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fastnn import _core


@pytest.mark.parametrize(
    "affinity, quota, environment, threads",
    [
        (8, 7.65, 0, 7),
        (8, 0.5, 0, 1),
        (8, 0, 0, 8),
        (2, 7.65, 0, 2),
        (8, 8.0, 0, 8),
        (8, 7.65, 3, 3),
        (4, 7.65, 100, 4),
        (8, 1e300, 0, 8),
    ],
)
def test_threads_by_affinity_quota_and_environment(affinity, quota, environment, threads):
    assert _core.default_threads(affinity, quota, environment) == threads


# ---- control groups: the files as the kernel writes them

POINT = "sys/fs/cgroup"
CPU = f"{POINT}/cpu,cpuacct"


def mount(version, root="/", point=None):
    """A line of mountinfo."""
    if version == 2:
        return f"29 23 0:26 {root} /{point or POINT} rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
    return f"30 23 0:27 {root} /{point or CPU} rw - cgroup cgroup rw,cpu,cpuacct\n"


def files(groups, mounts, limits=None):
    return {"proc/self/cgroup": groups, "proc/self/mountinfo": mounts, **(limits or {})}


def v2(group, limits, root="/"):
    """cpu.max by folder."""
    at = {f"{POINT}{folder}/cpu.max": text for folder, text in limits.items()}
    return files(f"0::{group}\n", mount(2, root), at)


def v1(group, limits, root="/", controllers="cpu,cpuacct"):
    """cpu.cfs_quota_us and cpu.cfs_period_us by folder."""
    at = {}
    for folder, (quota, period) in limits.items():
        at[f"{CPU}{folder}/cpu.cfs_quota_us"] = f"{quota}\n"
        at[f"{CPU}{folder}/cpu.cfs_period_us"] = f"{period}\n"
    return files(f"5:cpuset:/\n4:{controllers}:{group}\n", mount(1, root), at)


BOTH = v1("/a", {"/a": (400000, 100000)})
BOTH["proc/self/cgroup"] += "0::/b\n"
BOTH["proc/self/mountinfo"] += mount(2, point=f"{POINT}/unified")
BOTH[f"{POINT}/unified/b/cpu.max"] = "300000 100000\n"

MALFORMED = ["", "lots", "100000", "100000 0", "0 100000", "-5 100000", "100000 -5", "\0\0"]

GROUPS = {
    "nothing there": ({}, None),
    "v2, no limit": (v2("/a", {"/a": "max 100000\n"}), None),
    "v2": (v2("/a", {"/a": "765000 100000\n"}), 7.65),
    "v2, the root is the group": (v2("/", {"": "50000 100000\n"}), 0.5),
    "v2, an ancestor is tighter": (
        v2("/a/b/c", {"/a": "150000 100000\n", "/a/b": "max 100000\n", "/a/b/c": "400000 100000"}),
        1.5,
    ),
    "v2, the group is tighter": (v2("/a/b", {"/a": "400000 100000", "/a/b": "60000 20000"}), 3.0),
    "v2, a slice in slices": (
        v2("/user.slice/user-1.slice/run.scope", {"/user.slice": "150000 100000\n"}),
        1.5,
    ),
    "v2, seen from a container": (v2("/../../outside", {"": "200000 100000\n"}), 2.0),
    "v1": (v1("/a", {"/a": (250000, 100000)}), 2.5),
    "v1, no limit": (v1("/a", {"/a": (-1, 100000)}), None),
    "v1, an ancestor's": (v1("/a/b", {"/a": (300000, 100000)}), 3.0),
    "v1, an ancestor is tighter": (
        v1("/a/b/c", {"/a": (150000, 100000), "/a/b": (-1, 100000), "/a/b/c": (400000, 100000)}),
        1.5,
    ),
    "v1, the group is tighter": (v1("/a/b", {"/a": (400000, 100000), "/a/b": (30000, 10000)}), 3.0),
    "v1, a pod's container": (
        v1("/pods/p1/c1", {"/c1": (350000, 100000), "": (250000, 100000)}, "/pods/p1"),
        2.5,
    ),
    "v1, mounted from the group on": (v1("/docker/1f", {"": (100000, 50000)}, "/docker/1f"), 2.0),
    "v1, no cpu controller": (v1("/a", {"/a": (100000, 100000)}, controllers="cpuacct"), None),
    "both": (BOTH, 3.0),
    **{
        f"malformed: {text!r}": (v2("/a", {"/a": text, "": "400000 100000"}), 4.0)
        for text in MALFORMED
    },
    "malformed list": (files("what\n0\n:\n::\n", mount(2)), None),
    "malformed mounts": (files("0::/a\n", "x\n - \n1 2 3 - cgroup2\n"), None),
}


@pytest.mark.parametrize("name", GROUPS)
def test_cgroup_quota(name, tmp_path):
    contents, expected = GROUPS[name]
    for path, text in contents.items():
        path = tmp_path / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert _core.cgroup_quota(str(tmp_path)) == (expected and pytest.approx(expected, rel=1e-12))


# ---- affinity: as it is when fastnn is imported

SHOW = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import numpy as np
from fastnn import _core
print(_core.num_threads(), _core.info()["affinity"], _core.info()["threads_reason"])
"""


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def test_threads_by_affinity():
    assert run(SHOW) == "1 1 1: CPUs this process may run on"


def test_affinity_that_shrinks_later():
    """The number of threads stays, and so do results; four threads on one CPU take turns."""
    script = """
import os, sys
from tests.program.test_whole_step import bits_after
import fastnn
first = bits_after(4, 10)
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
for task in os.listdir("/proc/self/task"):
    os.sched_setaffinity(int(task), {min(os.sched_getaffinity(0))})
print(bits_after(4, 10) == first)
"""
    assert run(script) == "True"
