"""Shows that the checks of the CUDA kernels check: bugs are put in, and each must be caught.

    python tools/seeded_cuda_bugs.py               # all of cuda_bugs.py, a few minutes
    python tools/seeded_cuda_bugs.py barrier       # those whose description has the word

Each bug is one small change in a copy of the source. One file is compiled anew, the emulator linked
with it, and one test run, which must fail and say so; without the bug it passes. Needs what the
emulator needs: g++ and pybind11.
"""

from __future__ import annotations

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools import build_emulator  # noqa: E402
from tools.cuda_bugs import BUGS, Bug  # noqa: E402

LIBRARY = {"address": "libasan.so", "thread": "libtsan.so"}


def library(name: str) -> str:
    line = ["g++", f"-print-file-name={name}"]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()


def build(bug: Bug, folder: Path) -> Path:
    """A folder with the emulator that has the bug.

    Raises:
        ValueError: the line is not there, or not once: somebody has changed it, so look for
            another that does the same harm.
        RuntimeError: what the compiler said.
    """
    csrc = folder / "csrc"
    shutil.copytree(build_emulator.CSRC, csrc)
    file = csrc / "cuda" / bug.file
    text = file.read_text()
    if text.count(bug.old) != 1:
        raise ValueError(f"{bug.file} has {text.count(bug.old)} of {bug.old!r}")
    file.write_text(text.replace(bug.old, bug.new))
    objects = []
    for source, target, flags in build_emulator.commands(bug.sanitizer):
        if source != build_emulator.CSRC / "cuda" / bug.unit:
            objects.append(target)
            continue
        flags = [flag.replace(str(build_emulator.CSRC), str(csrc)) for flag in flags]
        made = folder / "changed.o"
        build_emulator.compile_one(csrc / "cuda" / bug.unit, made, [*flags, "-w"])
        objects.insert(0, made)  # of inline functions the linker takes the first
    module = folder / (build_emulator.NAME + sysconfig.get_config_var("EXT_SUFFIX"))
    watched = [f for f in build_emulator.WATCHED[bug.sanitizer] if f.startswith("-fsanitize=")]
    line = ["g++", "-shared", "-pthread", *watched, *map(str, objects), "-o", str(module)]
    subprocess.run(line, check=True)
    return folder


def run(checks: list[str], sanitizer: str | None, folder: Path | None) -> tuple[int, str]:
    """pytest's exit status and what it said, on the emulator in `folder` (None: as it is)."""
    folder = folder or build_emulator.FOLDER / (sanitizer or ".")
    path = [str(folder), *filter(None, sys.path[1:]), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "FASTNN_CUDA_EMULATOR": "1",
        "FASTNN_TEST_EMULATOR": str(folder),
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "OPENBLAS_NUM_THREADS": "1",
    }
    if sanitizer:
        libraries = [library(LIBRARY[sanitizer]), library("libstdc++.so")]
        environment["LD_PRELOAD"] = " ".join(libraries)
        environment["ASAN_OPTIONS"] = "detect_leaks=0"
        environment["TSAN_OPTIONS"] = "ignore_noninstrumented_modules=1"
    line = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:cov"]
    line += ["-s"]  # or pytest keeps what is said just before the process ends
    line += [f"tests/cuda/{check}" for check in checks]
    done = subprocess.run(
        line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    return done.returncode, done.stdout + done.stderr


def caught(bug: Bug) -> tuple[bool, str]:
    """Was it, and the line that says so (or what came instead)."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            status, said = run([bug.check], bug.sanitizer, build(bug, Path(folder)))
        except (ValueError, RuntimeError, subprocess.SubprocessError) as error:
            return False, f"{type(error).__name__}: {error}"
    lines = [line.strip() for line in said.splitlines()]
    found = [line for line in lines if re.search(bug.says, line) and not line.startswith("def ")]
    found.sort(key=lambda line: not line.startswith("E  "))
    if status == 0 or not found:
        return False, f"exit status {status}, and nothing like {bug.says!r}:\n{said[-2000:]}"
    return True, found[0].removeprefix("E ").strip()


def main() -> None:
    words = sys.argv[1:]
    bugs = [bug for bug in BUGS if all(word in bug.what for word in words)]
    workers = len(os.sched_getaffinity(0))
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for sanitizer in {bug.sanitizer for bug in bugs}:
            build_emulator.build(sanitizer)
        failed = 0
        for sanitizer in sorted({bug.sanitizer for bug in bugs}, key=str):
            checks = sorted({bug.check for bug in bugs if bug.sanitizer == sanitizer})
            status, said = run(checks, sanitizer, None)
            if status:
                failed += 1
                print(f"Without any bug these checks fail:\n{said[-3000:]}")
        for bug, (was, line) in zip(bugs, pool.map(caught, bugs), strict=True):
            failed += not was
            watch = f" ({bug.sanitizer} sanitizer)" if bug.sanitizer else ""
            print(f"{'caught' if was else 'MISSED'}: {bug.what}: {bug.file}")
            print(f"        by {bug.check}{watch}: {line[: None if not was else 150]}", flush=True)
    print(f"{len(bugs)} bugs, {failed} problems")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
