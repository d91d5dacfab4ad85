"""A peer in a process of its own, driven by lines of text (`peers/protocol.py` is its side)."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from harness.machine import process_seconds

PEERS = Path(__file__).resolve().parent.parent / "peers"


@dataclass
class Worker:
    """One peer in one mode. The lists grow by one with every measured epoch."""

    peer: str
    mode: str
    process: subprocess.Popen
    log: IO[str]
    hello: dict = field(default_factory=dict)  # versions, threads
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    loss: float = float("nan")
    test_accuracy: float = float("nan")
    idle_share: float = 0.0  # the most of a CPU that it took while another peer ran

    @classmethod
    def start(cls, peer: str, mode: str, python: str, options: dict[str, object]) -> Worker:
        command = [python, str(PEERS / f"with_{peer}.py"), "--mode", mode]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        log = tempfile.TemporaryFile("w+")  # a pipe that nobody reads would fill
        process = subprocess.Popen(
            command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
        worker = cls(peer, mode, process, log)
        worker.hello = worker.hear()
        return worker

    @property
    def name(self) -> str:
        return f"{self.peer} ({self.mode})"

    def epoch(self, measured: bool) -> float:
        """Trains one epoch; returns its seconds."""
        before = process_seconds(self.process.pid)
        heard = self.ask("epoch")
        self.loss = heard["loss"]
        if measured:
            self.seconds.append(heard["seconds"])
            self.cpu_seconds.append(process_seconds(self.process.pid) - before)
        return heard["seconds"]

    def finish(self) -> None:
        self.test_accuracy = self.ask("finish")["test_accuracy"]
        self.process.wait(timeout=60)

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
