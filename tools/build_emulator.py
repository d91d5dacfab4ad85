"""Builds the emulator: the CUDA kernels compiled by g++, as a Python module for tests.

    python tools/build_emulator.py [--sanitizer address|thread]

writes `fastnn_cuda_emulator*.so` into build-emulator, or build-emulator/SANITIZER, and prints its
path. What has not changed since the last time is not compiled again. Needs g++ and pybind11; the
wheel has no part of it.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import fcntl
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CSRC = ROOT / "csrc"
FOLDER = ROOT / "build-emulator"
NAME = "fastnn_cuda_emulator"

BASE = ["-std=c++20", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-g1", f"-I{CSRC}"]
BASE += ["-DFASTNN_CUDA_EMULATOR", f"-DFASTNN_CUDA_MODULE={NAME}"]
# As nvcc compiles them: a product and a sum are fused only where a kernel says so. A thread whose
# stack is too large runs into the page below it.
KERNELS = ["-x", "c++", "-march=native", "-ffp-contract=off", "-fstack-clash-protection"]
# What a sanitizer watches are the kernels; the emulator tells it of fibers. Watched code takes long
# to optimize, up to four minutes a file, and no longer to run the tests' parts as it is written.
WATCHED = {
    None: ["-O2"],
    "address": ["-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    + ["--param=asan-instrumentation-with-call-threshold=0"],  # calls compile twice as fast
    # It knows no fences; the emulator's atomics order what is around them.
    "thread": ["-O0", "-fsanitize=thread", "-Wno-tsan"],
}
TOLD = {None: [], "address": ["-DFASTNN_ASAN"], "thread": ["-DFASTNN_TSAN"]}


def kernels() -> list[Path]:
    files = [*(CSRC / "cuda" / "kernels").glob("*.cu"), *(ROOT / "tests" / "cuda").rglob("*.cu")]
    return sorted(files)


def host_files() -> list[Path]:
    cuda = CSRC / "cuda"
    files = [f for f in sorted(cuda.glob("*.cpp")) if f.name != "no_cuda.cpp"]
    names = [f"cuda/bind/{name}.cpp" for name in ("module", "eager", "dlpack", "emulator")]
    names += [f"bind/{name}.cpp" for name in ("arguments", "buffer", "operands")]
    names += [f"program/{name}.cpp" for name in ("program", "validate", "signature", "attributes")]
    return files + [CSRC / name for name in names]


def commands(sanitizer: str | None) -> list[tuple[Path, Path, list[str]]]:
    """(file, object file, command but for the names) of everything that makes the module."""
    import pybind11

    include = [f"-I{pybind11.get_include()}", f"-I{sysconfig.get_path('include')}"]
    folder = FOLDER / (sanitizer or "plain")
    made = []
    for file in kernels():
        made.append((file, folder, [*BASE, *KERNELS, *WATCHED[sanitizer]]))
    for file in sorted((CSRC / "cuda" / "emulator").glob("*.cpp")):
        made.append((file, folder, [*BASE, "-O2", *TOLD[sanitizer]]))
    for file in host_files():  # the same for all
        made.append((file, FOLDER / "host", [*BASE, "-O0", *include]))
    return [
        (file, folder / (str(file.relative_to(ROOT)).replace("/", ".") + ".o"), flags)
        for file, folder, flags in made
    ]


def compile_one(file: Path, target: Path, flags: list[str]) -> None:
    """Makes the object file, unless it is newer than all that it depends on."""
    line = [os.environ.get("CXX", "g++"), *flags, "-c", str(file), "-o", str(target)]
    line += ["-MMD", "-MF", f"{target}.d"]
    note = Path(f"{target}.command")
    if is_current(target, note, " ".join(line)):
        return
    note.unlink(missing_ok=True)
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(line)}\n{done.stderr}")
    sys.stderr.write(done.stderr)
    note.write_text(" ".join(line))


def is_current(target: Path, note: Path, line: str) -> bool:
    if not (target.exists() and note.exists() and note.read_text() == line):
        return False
    words = Path(f"{target}.d").read_text().replace("\\\n", " ").split()[1:]
    made = target.stat().st_mtime
    return all(Path(word).exists() and Path(word).stat().st_mtime <= made for word in words)


def build(sanitizer: str | None = None) -> Path:
    """Builds the module and returns its path; one process at a time, the next finds it made.

    Raises:
        RuntimeError: with what the compiler said.
    """
    FOLDER.mkdir(exist_ok=True)
    with open(FOLDER / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return build_alone(sanitizer)


def build_alone(sanitizer: str | None) -> Path:
    todo = commands(sanitizer)
    for _, target, _ in todo:
        target.parent.mkdir(parents=True, exist_ok=True)
    todo.sort(key=lambda one: -one[0].stat().st_size)  # the slowest first, more or less
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(lambda one: compile_one(*one), todo))
    folder = FOLDER / sanitizer if sanitizer else FOLDER
    module = folder / (NAME + sysconfig.get_config_var("EXT_SUFFIX"))
    objects = [target for _, target, _ in todo]
    if not module.exists() or any(o.stat().st_mtime > module.stat().st_mtime for o in objects):
        flags = [f for f in WATCHED[sanitizer] if f.startswith("-fsanitize=")]
        line = [os.environ.get("CXX", "g++"), "-shared", "-pthread", *flags, *map(str, objects)]
        subprocess.run([*line, "-o", str(module)], check=True)
    return module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sanitizer", choices=("address", "thread"))
    print(build(parser.parse_args().sanitizer))


if __name__ == "__main__":
    main()
