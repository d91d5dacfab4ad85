"""All benchmarks that the tables of docs/ and the goals are made of, one after the other.

    python bench/run_all.py                      # on a quiet machine: about half an hour
    python bench/run_all.py --list
    python bench/run_all.py --only latency threads
    python bench/run_all.py --results bench/results/zen3   # beside those of the tables' machine

Each records into results/, or the folder given. One whose run is refused (something else ran
meanwhile) is tried again, twice at most. Then the tables of docs/ are made anew, and `goals.py`
says what is met.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
COMMANDS = [  # as docs/performance.md names them
    "mnist_epoch.py --pixels unit",
    "mnist_epoch.py --pixels symmetric",
    "step.py --networks 784-128-10",
    "step.py --networks 784-1024-1024-10",
    "step.py --networks 784-128-10 --batches 32 512",
    "step.py --choices",
    "gemm.py --threads 1",
    "gemm.py --threads 2",
    "gemm.py --threads 1 --avx2",
    "latency.py --threads 1 --networks 784-128-10",
    "latency.py --threads 2 --networks 784-128-10",
    "latency.py --threads 2 --networks 784-1024-1024-10",
    "optimizer.py",
    "elementwise.py",
    "threads.py",
    "contention.py",
    "import_and_size.py",
]
ELSEWHERE = [  # of which docs/ has tables too: a Xeon without AMX, an NVIDIA GPU, AMX
    "mnist_epoch.py --pixels unit --only fastnn keras torch jax",
    "step.py --networks 784-128-10 784-1024-1024-10 --only fastnn torch jax",
    "gemm.py --threads 1 --only fastnn numpy torch",
    "gemm.py --threads 2 --only fastnn numpy torch",
    "cuda.py --threads 4",
    "cuda.py --threads 4 --precision medium --only fastnn torch",
    "gemm.py --precision medium --threads 2 --only fastnn torch",
    "gemm.py --precision high --threads 2 --only fastnn",
]
TRIES = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = sorted({name_of(command) for command in COMMANDS})
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--list", action="store_true", help="show the commands, and run none")
    parser.add_argument("--results", type=Path, default=Path("bench/results"), metavar="FOLDER")
    chosen = parser.parse_args()
    refused = []
    for command in COMMANDS:
        if name_of(command) in chosen.only:
            line = f"{command} --json {chosen.results / name_of(command)}.jsonl"
            print(f"\n$ python bench/{command}", flush=True)
            if not chosen.list and not recorded(line):
                refused.append(command)
    if chosen.list:
        return
    subprocess.run([sys.executable, BENCH.parent / "tools" / "fill_measured.py"], check=True)
    goals = [sys.executable, BENCH / "goals.py", "--results", chosen.results]
    subprocess.run(goals, cwd=BENCH.parent, check=True)
    if refused:
        sys.exit(f"refused {TRIES} times, and not recorded as valid: {'; '.join(refused)}")


def recorded(line: str) -> bool:
    script, *options = shlex.split(line)
    for _ in range(TRIES):
        # From the root, by relative paths: a record keeps the command as anybody would give it.
        command = [sys.executable, f"bench/{script}", *options]
        if subprocess.run(command, cwd=BENCH.parent).returncode == 0:
            return True
    return False


def name_of(command: str) -> str:
    return Path(command.split()[0]).stem


if __name__ == "__main__":
    main()
