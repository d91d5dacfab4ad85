"""Look into a wheel: its size, what its native modules link, and how old a glibc they run on.

    python tools/check_wheel.py dist/*.whl

Exits with 1 when a rule is broken. Needs binutils' readelf, which comes with the compiler.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MAX_BYTES = 6_000_000
MAX_BYTES_CUDA = 30_000_000  # with machine code for every kind of GPU
STUB_BYTES = 100_000  # of fastnn._cuda without kernels, at most
LIBRARIES = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1"}
LOADER = re.compile(r"ld-linux[-\w]*\.so\.\d")


def readelf(option: str, file: Path) -> str:
    return subprocess.run(
        ["readelf", "--wide", option, str(file)], check=True, capture_output=True, text=True
    ).stdout


def needed(file: Path) -> list[str]:
    """The libraries that a shared object names."""
    return re.findall(r"\(NEEDED\).*\[(.+)\]", readelf("--dynamic", file))


def glibc(file: Path) -> str:
    """The newest glibc version whose symbols a shared object asks for."""
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", readelf("--version-info", file))
    return ".".join(max(versions, key=lambda v: tuple(map(int, v))))


def has_symbols(file: Path) -> bool:
    """Does it hold debug information, or names that only a debugger reads?"""
    return re.search(r"\.(z?debug_\w+|symtab)\s", readelf("--section-headers", file)) is not None


def problems_of(file: Path) -> list[str]:
    """What is wrong with one native module."""
    problems = [
        f"{file.name} needs {library}"
        for library in needed(file)
        if library not in LIBRARIES and not LOADER.fullmatch(library)
    ]
    if has_symbols(file):
        problems.append(f"{file.name} has debug information or a symbol table: strip it")
    return problems


def max_bytes(sizes: dict[str, int]) -> int:
    """How large a wheel of these files may be: their names, and bytes when unpacked."""
    cuda = any("/_cuda." in name and size > STUB_BYTES for name, size in sizes.items())
    return MAX_BYTES_CUDA if cuda else MAX_BYTES


def check(wheel: Path) -> list[str]:
    """What is wrong with a wheel; prints what it saw."""
    size = wheel.stat().st_size
    print(f"{wheel.name}: {size:,} bytes")
    problems = []
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        names = archive.namelist()
        most = max_bytes({name: archive.getinfo(name).file_size for name in names})
        if size > most:
            problems.append(f"{size:,} bytes are more than {most:,}")
        problems += [f"{name} does not belong there" for name in names if "tests/" in name]
        modules = [name for name in names if name.endswith(".so")]
        if not modules:
            problems.append("there is no native module")
        for name in modules:
            module = Path(archive.extract(name, folder))
            print(
                f"  {name}: {module.stat().st_size:,} bytes, glibc {glibc(module)}, needs", end=" "
            )
            print(*needed(module))
            problems += problems_of(module)
    return problems


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: python tools/check_wheel.py WHEEL...")
    problems = [problem for wheel in sys.argv[1:] for problem in check(Path(wheel))]
    sys.exit("\n".join(problems) or None)


if __name__ == "__main__":
    main()
