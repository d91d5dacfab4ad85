"""A peer in a process of its own, driven by lines of text (`peers/protocol.py` is its side)."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from .machine import process_seconds

PEERS = Path(__file__).resolve().parent.parent / "peers"


class Worker:
    """One peer in one mode.

    Args:
        script: what it runs: a file that ends in `protocol.serve`.
        python: the interpreter.
        options: what `protocol.options()` gives the script, beside `mode`.
    """

    def __init__(
        self, peer: str, mode: str, script: Path, python: str, options: dict[str, object]
    ) -> None:
        self.peer, self.mode = peer, mode
        self.log = tempfile.TemporaryFile("w+")  # a pipe that nobody reads would fill
        paths = [str(PEERS), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        self.process = subprocess.Popen(
            [python, str(script), json.dumps({"mode": mode, **options})],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )
        self.hello = self.hear()  # versions, threads

    @property
    def name(self) -> str:
        return f"{self.peer} {self.mode}"

    def run(self, case: str, repeat: int = 1, calls: int = 1) -> dict:
        """{"seconds": [repeat times the mean of `calls` calls], and what else the case tells}."""
        return self.ask(f"run {repeat} {calls} {case}")

    def finish(self) -> dict:
        facts = self.ask("finish")
        self.close()
        return facts

    def close(self) -> None:
        """Wait for its end."""
        self.process.communicate(timeout=60)
        self.log.close()

    def cpu_seconds(self) -> float:
        return process_seconds(self.process.pid)

    def ask(self, line: str) -> dict:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.hear()

    def hear(self) -> dict:
        """The next line that is an answer; what libraries print besides is passed over."""
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        status = self.process.wait()
        self.log.seek(0)
        said = self.log.read()[-2000:]
        raise RuntimeError(f"{self.name} ended with status {status} before it answered:\n{said}")
