"""What the compiler made of the CUDA kernels, for every architecture that there is code for.

    python tools/cuda_report.py                    # checks, and compares with docs/cuda_kernels.md
    python tools/cuda_report.py --write            # writes that file anew: look at what changed
    python tools/cuda_report.py build/cuda/*.o     # of these files instead of fastnn._cuda

Registers, shared memory, spills, theoretical occupancy; whether memory-bound kernels hold 128-bit
loads and stores; of the products' main loops, which share of the instructions is tensor cores'.
What is due is written in `cuda_expected.py`. No GPU is needed: cuobjdump and nvdisasm (PyPI's
nvidia-cuda-cuobjdump and nvidia-cuda-nvdisasm) read the machine code.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools import cuda_expected as expected  # noqa: E402

TABLE = ROOT / "docs" / "cuda_kernels.md"


class Limits(NamedTuple):
    """Of a multiprocessor, by compute capability:
    https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/compute-capabilities.html
    """

    warps: int
    blocks: int
    shared: int  # KiB


LIMITS = {
    "sm_80": Limits(64, 32, 164),
    "sm_86": Limits(48, 16, 100),
    "sm_89": Limits(48, 24, 100),
    "sm_90": Limits(64, 32, 228),
    "sm_100": Limits(64, 32, 228),
    "sm_120": Limits(48, 24, 100),
}
REGISTERS = 65536  # of a multiprocessor; a fourth of them in each of its four parts
REGISTER_UNIT = 256  # a warp has a multiple of so many
SHARED_UNIT, SHARED_OF_SYSTEM = 128, 1024  # bytes; the second is taken from each block


def occupancy(architecture: str, threads: int, registers: int, shared: int) -> float:
    """Resident warps at most, as a share of what a multiprocessor could hold."""
    limits = LIMITS[architecture]
    warps = -(-threads // 32)
    of_warp = -(-registers * 32 // REGISTER_UNIT) * REGISTER_UNIT
    by_registers = REGISTERS // 4 // of_warp * 4 // warps
    of_block = -(-(shared + SHARED_OF_SYSTEM) // SHARED_UNIT) * SHARED_UNIT
    by_shared = limits.shared * 1024 // of_block
    blocks = min(limits.blocks, limits.warps // warps, by_registers, by_shared)
    return blocks * warps / limits.warps


@dataclass
class Code:
    """A kernel on one architecture."""

    registers: int = 0
    shared: int = 0  # static, bytes
    stack: int = 0  # bytes of local memory, which is where spilled registers go
    instructions: list[tuple[int, str]] = field(default_factory=list)  # (address, text)

    def count(self, pattern: str) -> int:
        return sum(bool(re.match(pattern, text)) for _, text in self.instructions)

    def main_loop(self, pattern: str) -> list[str]:
        """The instructions of the smallest loop that holds most of what matches: from the target
        of a backward branch to the branch."""
        at = {address: i for i, (address, _) in enumerate(self.instructions)}
        loops = []
        for i, (address, text) in enumerate(self.instructions):
            target = re.match(r"BRA(?:\.\S+)? .*?(0x[0-9a-f]+)", text)
            if target and int(target[1], 16) <= address:
                body = [t for _, t in self.instructions[at[int(target[1], 16)] : i + 1]]
                loops.append((-sum(bool(re.match(pattern, t)) for t in body), len(body), body))
        loops.sort(key=lambda loop: loop[:2])
        return loops[0][2] if loops and loops[0][0] else []


Kernels = dict[str, dict[str, Code]]  # by name and architecture


# ---- reading


def tool(name: str) -> str:
    """The path of one of NVIDIA's tools: PyPI's, else one on PATH.

    Raises:
        FileNotFoundError: neither is there.
    """
    spec = importlib.util.find_spec("nvidia")
    for folder in spec.submodule_search_locations if spec else ():
        path = Path(folder) / "cu13" / "bin" / name
        if path.exists():
            return str(path)
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"there is no {name}: pip install nvidia-cuda-{name}")
    return found


def cuobjdump(*arguments: str) -> str:
    folder = os.path.dirname(tool("nvdisasm"))  # cuobjdump runs it
    environment = {**os.environ, "PATH": folder + os.pathsep + os.environ.get("PATH", "")}
    line = [tool("cuobjdump"), *arguments]
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=True).stdout


def shorten(names: set[str]) -> dict[str, str]:
    """Mangled names as people write them, without namespaces and parameters."""
    ordered = sorted(names)
    plain = subprocess.run(
        ["c++filt"], input="\n".join(ordered), capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return {name: _shorten(text) for name, text in zip(ordered, plain, strict=True)}


def _shorten(text: str) -> str:
    text = text.removeprefix("void ")
    text = re.sub(r"\((\w+(?:::\w+)*)\)(\d+)", r"\2", text)  # (Form)0, (bool)1
    text = text.replace("(anonymous namespace)::", "")
    text = re.sub(r"\b(fastnn|cuda|gemm)::", "", text)
    depth, end = 0, len(text)
    for i, c in enumerate(text):
        depth += (c == "<") - (c == ">")
        if c == "(" and depth == 0:
            end = i
            break
    return text[:end]


def architectures(file: str) -> list[str]:
    listed = set(re.findall(r"\.(sm_\d+)\.cubin", cuobjdump("-lelf", file)))
    return [a for a in LIMITS if a in listed] + sorted(listed - set(LIMITS))


def read(files: list[str]) -> tuple[Kernels, dict[str, int]]:
    """The kernels of these files, and how many threads a block of each has."""
    found: Kernels = defaultdict(dict)
    threads: dict[str, int] = {}
    jobs = [(file, architecture) for file in files for architecture in architectures(file)]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for (_, architecture), codes in zip(jobs, pool.map(_read_one, *zip(*jobs)), strict=True):
            for name, code in codes.items():
                found[name][architecture] = code
        for sizes in pool.map(_threads, files):
            threads.update(sizes)
    short = shorten(set(found) | set(threads))
    return {short[n]: codes for n, codes in found.items()}, {
        short[n]: t for n, t in threads.items()
    }


def _read_one(file: str, architecture: str) -> dict[str, Code]:
    codes: dict[str, Code] = defaultdict(Code)
    usage = cuobjdump("-res-usage", "-arch", architecture, file)
    pattern = r"Function (\S+):\n\s+REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)"
    for name, registers, stack, shared, local in re.findall(pattern, usage):
        codes[name] = Code(int(registers), int(shared), int(stack) + int(local))
    name = ""
    for line in cuobjdump("-sass", "-arch", architecture, file).splitlines():
        if match := re.match(r"\s+Function : (\S+)", line):
            name = match[1]
        elif match := re.match(r"\s+/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\w+ )?(.*?) ?;", line):
            codes[name].instructions.append((int(match[1], 16), match[2].strip()))
    return codes


def _threads(file: str) -> dict[str, int]:
    """From the PTX, which says what __launch_bounds__ said."""
    text = cuobjdump("-ptx", file)
    pieces = re.split(r"\.entry (\w+)\(", text)[1:]
    sizes = {}
    for name, body in zip(pieces[::2], pieces[1::2], strict=True):
        if match := re.search(r"\.maxntid (\d+)", body.partition("{")[0]):
            sizes[name] = int(match[1])
    return sizes


# ---- checking


def family(name: str) -> str:
    return name.partition("<")[0]


def find(rules: dict, name: str):
    """What the first pattern says that fits the whole name; None if none does."""
    return next((rule for pattern, rule in rules.items() if re.fullmatch(pattern, name)), None)


def dynamic_shared(name: str) -> int:
    """Bytes that the launch asks for."""
    return find(expected.DYNAMIC_SHARED, name) or 0


def main_loops(kernels: Kernels) -> list[tuple[str, expected.MainLoop, str, list[str]]]:
    """(kernel, what is due, architecture, instructions) of every kernel with tensor cores."""
    found = []
    for name, codes in sorted(kernels.items()):
        due = find(expected.MAIN_LOOPS, name)
        if due is not None:
            found += [(name, due, a, c.main_loop("HMMA")) for a, c in codes.items()]
    return found


def count(body: list[str], pattern: str) -> int:
    return sum(bool(re.match(pattern, text)) for text in body)


def problems(kernels: Kernels, threads: dict[str, int]) -> list[str]:
    """What is not as it should be, a line each."""
    found = []
    looped = {name for name, *_ in main_loops(kernels)}
    for name, codes in sorted(kernels.items()):
        for architecture in LIMITS:
            if architecture not in codes:
                found.append(f"{name}: there is no code for {architecture}")
        if name not in threads:
            found.append(f"{name}: has no __launch_bounds__")
        missing = (find(expected.NARROW, name) or ((), ""))[0]
        may_stack = find(expected.STACK, name)
        for architecture, code in codes.items():
            where = f"{name} ({architecture})"
            spilled = code.count(r"LDL|STL")
            if code.stack and not may_stack:
                found.append(f"{where}: {code.stack} bytes of stack")
            if spilled and not may_stack:
                found.append(f"{where}: {spilled} loads and stores of local memory")
            for what, pattern in expected.WIDE.items():
                if not code.count(pattern) and what not in missing and name not in looped:
                    found.append(f"{where}: no 128-bit {what}")
            if code.count("HMMA") and name not in looped:
                found.append(f"{where}: tensor cores, but nothing is expected of its main loop")
    for name, due, architecture, body in main_loops(kernels):
        where = f"{name} ({architecture})"
        for pattern in due.holds:
            if not count(body, pattern):
                found.append(f"{where}: no {pattern} in its main loop of {len(body)}")
        share = count(body, "HMMA") / max(len(body), 1)
        if share < due.share:
            found.append(
                f"{where}: tensor cores are {share:.1%} of the main loop, not {due.share:.0%}"
            )
    rules = (expected.NARROW, expected.STACK, expected.MAIN_LOOPS, expected.DYNAMIC_SHARED)
    for pattern in (p for table in rules for p in table):
        if not any(re.fullmatch(pattern, name) for name in kernels):
            found.append(f"{pattern}: is expected, but there is no such kernel")
    return found


# ---- the table


def _range(values) -> str:
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low}-{high}"


def table(kernels: Kernels, threads: dict[str, int]) -> str:
    """docs/cuda_kernels.md."""
    families: dict[str, list[str]] = defaultdict(list)
    for name in sorted(kernels):
        families[family(name)].append(name)
    head = ["kernel", "of it", "threads", "shared", *LIMITS]
    lines = [INTRODUCTION, _row(head), _row(["---"] * len(head))]
    for name, members in sorted(families.items()):
        shared = [kernels[m]["sm_80"].shared + dynamic_shared(m) for m in members]
        row = [
            f"`{name}`",
            len(members),
            _range([threads.get(m, 0) for m in members]),
            _range(shared),
        ]
        for architecture in LIMITS:
            codes = [(m, kernels[m][architecture]) for m in members if architecture in kernels[m]]
            resident = [
                round(100 * occupancy(architecture, threads.get(m, 1024), c.registers,
                                      c.shared + dynamic_shared(m)))
                for m, c in codes
            ]  # fmt: skip
            row.append(f"{_range([c.registers for _, c in codes])}: {_range(resident)}%")
        lines.append(_row(row))
    lines += [LOOPS, _row(LOOP_HEAD), _row(["---"] * len(LOOP_HEAD))]
    by_kernel = defaultdict(list)
    for name, _, _, body in main_loops(kernels):
        by_kernel[name].append(body)
    for name, bodies in by_kernel.items():
        counts = [_range([count(b, p) for b in bodies]) for p in ("", "HMMA", "LDSM", "LDGSTS")]
        share = min(count(b, "HMMA") / max(len(b), 1) for b in bodies)
        lines.append(_row([f"`{name}`", *counts, f"{share:.1%}"]))
    return "\n".join(lines) + "\n"


def _row(cells) -> str:
    return f"| {' | '.join(map(str, cells))} |"


INTRODUCTION = """# CUDA: the kernels as they were compiled

Written by `python tools/cuda_report.py --write` from what nvcc made of the kernels (nothing here
was timed), and compared with each build by `tests/cuda/test_static_report.py`: a change has to be
looked at. A kernel is a template; "of it" says how many instances there are. Shared memory is in
bytes, with what the launch adds to it. For each architecture: registers of a thread, and the
theoretical occupancy, which is how many of a multiprocessor's warps can be resident at once. No
kernel spills registers.
"""
LOOPS = """
## The main loops of products

From the target of the loop's backward branch to the branch: instructions in all, those of tensor
cores (HMMA), loads of fragments from shared memory (LDSM), asynchronous copies into it (LDGSTS).
Where architectures differ, both ends; the share of tensor-core instructions is the smallest.
"""
LOOP_HEAD = ["kernel", "instructions", "HMMA", "LDSM", "LDGSTS", "share"]


def module() -> str:
    """The file of fastnn._cuda.

    Raises:
        FileNotFoundError: it is not there, or has no kernels.
    """
    spec = importlib.util.find_spec("fastnn._cuda")
    if spec is None or b"sm_80" not in Path(spec.origin).read_bytes():
        raise FileNotFoundError("fastnn._cuda is not there, or was built without nvcc")
    return spec.origin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", help="objects or modules; fastnn._cuda if none")
    parser.add_argument("--write", action="store_true", help="write docs/cuda_kernels.md")
    arguments = parser.parse_args()
    kernels, threads = read(arguments.files or [module()])
    found = problems(kernels, threads)
    print(*found, sep="\n")
    print(f"{len(kernels)} kernels for {', '.join(LIMITS)}; {len(found)} problems")
    text = table(kernels, threads)
    if arguments.write:
        TABLE.write_text(text)
    elif not TABLE.exists() or TABLE.read_text() != text:
        print(f"{TABLE.relative_to(ROOT)} says something else: --write, and look at the difference")
        sys.exit(1)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
