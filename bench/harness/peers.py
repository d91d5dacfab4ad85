"""Which peers are there: the command line that benchmarks share, and the workers it asks for."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .worker import PEERS, Worker

LEAST_ROUNDS = 7


def arguments(
    description: str, modes: Mapping[str, Sequence[str]], rounds: int = LEAST_ROUNDS
) -> argparse.ArgumentParser:
    """A parser with --peer, --only, --threads, --rounds, --seed and --json.

    Args:
        modes: the benchmark's peers, and the modes of each; fastnn's first one is what ratios are
            taken of.
    """

    def known(text: str) -> tuple[str, str]:
        name, python = _named(text)
        if name not in modes:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(modes)}")
        return name, python

    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument(
        "--peer",
        action="append",
        type=known,
        default=[_named(text) for text in os.environ.get("FASTNN_BENCH_PEERS", "").split()],
        metavar="NAME=PYTHON",
        help="the interpreter of a peer (this one, where none is named); also in "
        "$FASTNN_BENCH_PEERS",
    )
    parser.add_argument("--only", nargs="+", choices=modes, default=list(modes), metavar="NAME")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument(
        "--rounds", type=int, default=rounds, metavar="N", help=f"default: {rounds}"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="append the record to this .jsonl"
    )
    return parser


def _named(text: str) -> tuple[str, str]:
    name, equals, python = text.partition("=")
    if not (name and equals and python):
        raise argparse.ArgumentTypeError(f"a peer is NAME=PYTHON, got {text!r}")
    return name, python


def start(
    benchmark: str,
    chosen: argparse.Namespace,
    modes: Mapping[str, Sequence[str]],
    script: str = "with_{peer}.py",
    **options: object,
) -> list[Worker]:
    """A worker for each mode of each peer that is there; says which are not.

    Args:
        benchmark: the folder of its scripts: `peers/<benchmark>/with_<peer>.py`.
        chosen: the parsed arguments.
        script: another name of theirs.
        options: given to the workers, beside mode, threads and seed.
    """
    pythons = dict(chosen.peer)
    options = {"threads": chosen.threads, "seed": chosen.seed} | options
    workers = []
    for peer in chosen.only:
        python = pythons.get(peer, sys.executable)
        look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({peer!r}) is None)"
        if subprocess.run([python, "-c", look], capture_output=True).returncode:
            print(f"{peer}: skipped, {python} has none", file=sys.stderr)
            continue
        path = PEERS / benchmark / script.format(peer=peer)
        workers += [Worker(peer, mode, path, python, options) for mode in modes[peer]]
    if not workers:
        sys.exit("nothing to compare: no peer is there")
    return workers
