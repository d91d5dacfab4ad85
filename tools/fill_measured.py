"""Fill the tables of measured numbers in README.md and docs/ from the records in bench/results/.

    python tools/fill_measured.py [--check]

A table stands between two comments, of which the first is the command that measured it:

    <!-- measured: python bench/gemm.py --threads 1 -->
    <!-- end -->

The newest record that was not refused and whose command has the same options (those that say where
peers are, how many rounds, and where the record goes do not count) is shown as the benchmark itself
prints it. A command with `--json FILE` is looked up in that file, whose records are of another
machine than those in bench/results/ itself. `measured as a list: COMMAND | COMMAND` makes a table
of Markdown instead, for benchmarks of one case: a line for each peer, columns for each command.
`goals: FOLDER` shows what bench/goals.py says of the records in a folder.
With --check nothing is written, and the exit status is 1 where something would be.
"""

from __future__ import annotations

import importlib
import json
import re
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RESULTS = ROOT / "bench" / "results"
IGNORED = {"--json", "--rounds", "--peer"}  # each has a value

NAMES = {"jax": "JAX", "keras": "Keras", "tensorflow": "TensorFlow", "torch": "PyTorch"}

_BLOCK = re.compile(
    r"(<!-- measured(?P<form>| as a list): (?P<commands>.*?) -->\n).*?(<!-- end -->)",
    re.DOTALL,
)

_JSON = re.compile(r" --json[ =]\S+")  # where the record was, on the day it was made
_GOALS = re.compile(r"(<!-- goals: (?P<folder>\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def options_of(command: str) -> tuple[str, list[tuple[str, ...]]]:
    """ "python bench/gemm.py --threads 1" -> ("gemm", [("--threads", "1")]); sorted, without those
    that say nothing about the numbers."""
    _, script, *rest = shlex.split(command)
    groups: list[list[str]] = []
    for word in rest:
        if word.startswith("--"):
            groups.append(word.split("=", 1))
        else:
            groups[-1].append(word)
    kept = [tuple(group) for group in groups if group[0] not in IGNORED]
    return Path(script).stem, sorted(kept)


def newest(command: str, results: Path | None = None) -> dict | None:
    """The newest record of the command that was not refused: of those in the file that it names, or
    else in the folder `results` (bench/results)."""
    benchmark, options = options_of(command)
    named = re.search(r"--json[ =](\S+)", command)
    file = ROOT / named[1] if named else (results or RESULTS) / f"{benchmark}.jsonl"
    records = map(json.loads, file.read_text().splitlines()) if file.exists() else ()
    fitting = [r for r in records if not r["refused"] and options_of(r["command"])[1] == options]
    return fitting[-1] if fitting else None


def as_printed(record: dict) -> str:
    """What the benchmark says of it: machine, versions, its own table."""
    module = importlib.import_module(record["benchmark"])
    place, rows = record["machine"], record["rows"]
    versions = {name: version for row in rows for name, version in row["versions"].items()}
    peaks = [
        f"at most: {peak} {rate / 1e9:.4g} G{'B' if peak[-1].isdigit() else 'FLOP'}/s"
        for peak, rate in record.get("peaks", {}).items()
    ]
    lines = [
        f"$ {_JSON.sub('', record['command'])}",
        f"{record['when'][:10]}, {place['cpu']}, {' '.join(place['isa'])}, "
        f"{record['threads']} threads, {record['rounds']} rounds",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        *peaks,
        "",
        module.table(rows),
    ]
    return "```\n" + "\n".join(lines) + "\n```\n"


def as_list(records: list[dict], commands: list[str]) -> str:
    """A line for each peer and mode, the fastest first."""
    head, times = ["seconds"], []
    for record, command in zip(records, commands, strict=True):
        _, options = options_of(command)
        head += [f"`{' '.join(sum(options, ()))}`", "fastnn / it"]
        times.append({(row["peer"], row["mode"]): row for row in record["rows"]})
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for key, row in sorted(times[0].items(), key=lambda item: item[1]["median"]):
        versions = ", ".join(f"{NAMES.get(name, name)} {v}" for name, v in row["versions"].items())
        cells = [f"{versions}: {row['mode']}"]
        for rows in times:
            ratio = "" if row["peer"] == "fastnn" else f"{rows[key]['ratio']:.2f}"
            cells += [f"{rows[key]['median']:.3f}", ratio]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def filled(text: str) -> str:
    """The page with its tables made anew."""

    def block(match: re.Match) -> str:
        commands = match["commands"].split(" | ")
        records = [newest(command) for command in commands]
        if None in records:
            table = f"(Not measured yet: `{commands[records.index(None)]}`.)\n"
        else:
            table = as_list(records, commands) if match["form"] else as_printed(records[0])
        return match[1] + table + match[4]

    def verdicts(match: re.Match) -> str:
        table = importlib.import_module("goals").table(ROOT / match["folder"])
        return f"{match[1]}```\n{table}\n```\n{match[3]}"

    return _GOALS.sub(verdicts, _BLOCK.sub(block, text))


def main() -> None:
    sys.path.insert(0, str(ROOT / "bench"))
    stale = []
    for page in PAGES:
        text = page.read_text()
        if (new := filled(text)) != text:
            stale.append(page.relative_to(ROOT))
            if "--check" not in sys.argv:
                page.write_text(new)
    for page in stale:
        print(f"{page}: {'not what the records say' if '--check' in sys.argv else 'filled'}")
    sys.exit(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    main()
