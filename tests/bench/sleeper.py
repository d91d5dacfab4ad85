"""A worker for the harness' tests: it sleeps, or spins, as its case says."""

from __future__ import annotations

import threading
import time

from protocol import Skipped, options, serve

chosen = options()


def spin(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def prepare(case: str):
    word, seconds = case.split()
    if word == "skip":
        raise Skipped("it is tired")
    if word == "crash":
        raise RuntimeError("it is broken")
    if chosen.mode == "restless":  # works on after its answer
        threading.Thread(target=spin, args=(60,), daemon=True).start()
    work = time.sleep if word == "sleep" else spin
    delay = [0.05] if word == "wake" else []  # the first call pays for what follows

    def call() -> dict:
        work(delay.pop() if delay else float(seconds))
        return {"told": seconds}

    return call


print("a library says hello")
serve(prepare, {"sleeper": "1"}, chosen.threads, lambda: {"slept": True})
