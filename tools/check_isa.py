"""Show that no code of one instruction set can be run by a CPU that lacks it.

    python tools/check_isa.py BUILD_FOLDER

Reads the object files of a build (with objdump and nm) and looks for two leaks:

- instructions beyond a file's instruction set: AVX-512's in avx2/, any vector extension's in what
  is plain x86-64;
- weak symbols (inline functions, templates) that a file with vector flags shares with a file of
  another instruction set: the linker keeps one copy, and it might be the wrong one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

# The folders csrc/cpu/<isa>, from the least CPU to the greatest; every other object is generic.
ISAS = ("generic", "avx2", "avx512", "avx512_bf16", "amx")

# What in a disassembly shows that an instruction set is needed: AMX's tiles; AVX512-BF16's
# mnemonics; AVX-512's registers, masks, broadcasts from memory and registers from 16 on; the v that
# VEX and EVEX encodings put before every mnemonic.
_SIGNS = {
    "amx": re.compile(r"%tmm\d"),
    "avx512_bf16": re.compile(r"\bv(dpbf16|cvtne2?ps2bf16)"),
    "avx512": re.compile(r"%zmm\d|%k[0-7]\b|\{1to\d|%[xy]mm(1[6-9]|2\d|3[01])\b"),
    "avx2": re.compile(r"^\s*[0-9a-f]+:\s+v[a-z]", re.MULTILINE),
}


def isa_of(file: Path) -> str:
    """The instruction set that an object file is meant for, by its folder."""
    return file.parent.name if file.parent.name in ISAS else "generic"


def isa_needed(file: Path) -> str:
    """The instruction set that the code of an object file needs."""
    code = _output("objdump", "--disassemble", "--no-show-raw-insn", str(file))
    return next((isa for isa, sign in _SIGNS.items() if sign.search(code)), "generic")


def weak_symbols(file: Path) -> set[str]:
    """The weak and unique symbols that an object file defines."""
    lines = _output("nm", "--defined-only", "--demangle", str(file)).splitlines()
    return {m[2] for line in lines if (m := re.match(r"\S* ([WVu]) (.+)", line))}


def check(objects: list[Path]) -> list[str]:
    """What is wrong, one line each."""
    problems = []
    homes: dict[str, dict[str, Path]] = defaultdict(dict)
    for file in objects:
        isa, needed = isa_of(file), isa_needed(file)
        if ISAS.index(needed) > ISAS.index(isa):
            problems.append(f"{file}: is {isa} code, and needs {needed}")
        for symbol in weak_symbols(file):
            homes[symbol].setdefault(isa, file)
    for symbol, files in homes.items():
        if len(files) > 1:
            problems.append(f"{symbol}: weak in {' and in '.join(map(str, files.values()))}")
    return problems


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/check_isa.py BUILD_FOLDER")
    objects = sorted(Path(sys.argv[1]).rglob("*.o"))
    counts = {isa: sum(isa_of(file) == isa for file in objects) for isa in ISAS}
    print(", ".join(f"{count} {isa}" for isa, count in counts.items()), "object files")
    if not counts["avx2"] or not counts["avx512"]:
        sys.exit("this build has no vector code: nothing was shown")
    sys.exit("\n".join(check(objects)) or None)


if __name__ == "__main__":
    main()
