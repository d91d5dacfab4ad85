"""Builds the emulator: the CUDA kernels compiled by g++, as a Python module for tests.

    python tools/build_emulator.py [--sanitizer address|thread] [FOLDER]

writes `fastnn_cuda_emulator*.so` into FOLDER (default: build-emulator, or build-emulator-SANITIZER)
and prints its path. What has not changed since the last time is not compiled again. Needs g++ and
pybind11; the wheel has no part of it.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CSRC = ROOT / "csrc"
NAME = "fastnn_cuda_emulator"

BASE = ["-std=c++20", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-g1"]
DEFINES = ["-DFASTNN_CUDA_EMULATOR", f"-DFASTNN_CUDA_MODULE={NAME}"]
# As nvcc compiles them: a product and a sum are fused only where a kernel says so. A thread whose
# stack is too large runs into the page below it.
KERNELS = ["-x", "c++", "-O2", "-march=native", "-ffp-contract=off", "-fstack-clash-protection"]
# What a sanitizer watches are the kernels; the emulator tells it of fibers.
WATCHED = {
    None: [],
    "address": ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
    "thread": ["-O1", "-fsanitize=thread"],
}
TOLD = {None: [], "address": ["-DFASTNN_ASAN"], "thread": ["-DFASTNN_TSAN"]}


def sources() -> list[tuple[Path, str]]:
    """(file, kind): "kernel", "emulator" or "host"."""
    cuda = CSRC / "cuda"
    files = [(f, "kernel") for f in sorted(cuda.rglob("*.cu"))]
    files += [(f, "kernel") for f in sorted((ROOT / "tests" / "cuda").rglob("*.cu"))]
    files += [(f, "emulator") for f in sorted((cuda / "emulator").glob("*.cpp"))]
    files += [(f, "host") for f in sorted(cuda.glob("*.cpp")) if f.name != "no_cuda.cpp"]
    files += [(cuda / "bind" / name, "host") for name in ("module.cpp", "emulator.cpp")]
    names = ("program/program.cpp", "program/validate.cpp", "program/signature.cpp")
    names += ("program/attributes.cpp", "bind/buffer.cpp")
    return files + [(CSRC / name, "host") for name in names]


def command(file: Path, kind: str, sanitizer: str | None) -> list[str]:
    import pybind11

    compiler = os.environ.get("CXX", "g++")
    flags = [*BASE, *DEFINES, f"-I{CSRC}"]
    if kind == "kernel":
        flags += KERNELS + WATCHED[sanitizer]
    elif kind == "emulator":
        flags += ["-O2", *TOLD[sanitizer]]
    else:
        flags += ["-O0", f"-I{pybind11.get_include()}", f"-I{sysconfig.get_path('include')}"]
    return [compiler, *flags, "-c", str(file)]


def compile_one(file: Path, kind: str, sanitizer: str | None, folder: Path) -> Path:
    """The object file, newer than everything it depends on."""
    target = folder / (str(file.relative_to(ROOT)).replace("/", ".") + ".o")
    line = [*command(file, kind, sanitizer), "-o", str(target), "-MMD", "-MF", f"{target}.d"]
    note = Path(f"{target}.command")
    if not is_current(target, note, " ".join(line)):
        target.unlink(missing_ok=True)
        done = subprocess.run(line, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(line)}\n{done.stderr}")
        sys.stderr.write(done.stderr)
        note.write_text(" ".join(line))
    return target


def is_current(target: Path, note: Path, line: str) -> bool:
    if not (target.exists() and note.exists() and note.read_text() == line):
        return False
    words = Path(f"{target}.d").read_text().replace("\\\n", " ").split()[1:]
    made = target.stat().st_mtime
    return all(Path(word).exists() and Path(word).stat().st_mtime <= made for word in words)


def build(folder: Path | None = None, sanitizer: str | None = None) -> Path:
    """Builds the module and returns its path."""
    if folder is None:
        folder = ROOT / ("build-emulator" + (f"-{sanitizer}" if sanitizer else ""))
    folder.mkdir(parents=True, exist_ok=True)
    module = folder / (NAME + sysconfig.get_config_var("EXT_SUFFIX"))
    jobs = len(os.sched_getaffinity(0))
    # The slowest first.
    todo = sorted(sources(), key=lambda source: -source[0].stat().st_size)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        objects = list(pool.map(lambda s: compile_one(*s, sanitizer, folder), todo))
    if not module.exists() or any(o.stat().st_mtime > module.stat().st_mtime for o in objects):
        compiler = os.environ.get("CXX", "g++")
        flags = [f for f in WATCHED[sanitizer] if f.startswith("-fsanitize=")]
        line = [compiler, "-shared", "-pthread", *flags, *map(str, objects), "-o", str(module)]
        subprocess.run(line, check=True)
    return module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--sanitizer", choices=("address", "thread"))
    options = parser.parse_args()
    print(build(options.folder, options.sanitizer))


if __name__ == "__main__":
    main()
