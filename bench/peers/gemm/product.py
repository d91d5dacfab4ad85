"""What the peers of `gemm.py` share: the operands, and threads that stay on their CPUs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from protocol import serve


class Product(NamedTuple):
    """C[m, n] = A B. Forms: nn A[m, k] B[k, n]; nt A[m, k] B[n, k]; tn A[k, m] B[k, n]."""

    form: str
    a: np.ndarray
    b: np.ndarray
    c: np.ndarray

    def straight(self) -> tuple[np.ndarray, np.ndarray]:
        """Views of A and B with shapes [m, k] and [k, n]."""
        return self.a.T if self.form == "tn" else self.a, self.b.T if self.form == "nt" else self.b


class Call:
    """Makes C, once or many times; the mean of |C| shows that all did the same work."""

    def __init__(self, product: Product, many: Callable[[int], None]) -> None:
        self.c, self.many = product.c, many

    def __call__(self) -> dict:
        self.many(1)
        return {"mean": float(np.abs(self.c).mean(dtype=np.float64))}


def product_of(case: str) -> Product:
    """The operands of "m n k form", every element of A and B in [-1/2, 1/2) and none of them 0."""
    *sizes, form = case.split()
    m, n, k = map(int, sizes)
    random = np.random.default_rng(m + n + k)
    a = aligned((k, m) if form == "tn" else (m, k))
    b = aligned((n, k) if form == "nt" else (k, n))
    for x in (a, b):
        random.random(out=x, dtype=np.float32)
        x -= np.float32(0.5)
        x[x == 0] = 0.25
    return Product(form, a, b, aligned((m, n)))


def aligned(shape: tuple[int, int]) -> np.ndarray:
    """Starts on a cache line, for all peers alike: NumPy alone does not see to that."""
    size = shape[0] * shape[1]
    memory = np.empty(size + 16, np.float32)
    start = -memory.ctypes.data % 64 // 4
    return memory[start : start + size].reshape(shape)


def work(
    many: Callable[[Product], Callable[[int], None]],
    versions: dict[str, str],
    chosen: SimpleNamespace,
) -> None:
    """`many(product)` gives a function that does the product so many times."""

    def prepare(case: str) -> Call:
        product = product_of(case)
        return Call(product, many(product))

    spread(prepare("256 256 256 nn"), chosen.threads)
    serve(prepare, versions, chosen.threads)


def spread(call: Call, threads: int) -> None:
    """Bind the threads that work, whoever has made them, to a CPU each.

    Two that wake up on one CPU may stay there for tens of milliseconds, and libraries whose threads
    spin then lose a factor of up to a thousand: that is a subject of its own.
    """
    time.sleep(0.5)  # threads that a library has started for later have fallen asleep by then
    before, end = thread_times(), time.perf_counter() + 0.1
    while time.perf_counter() < end:
        call.many(1)
    spent = {thread: now - before.get(thread, 0) for thread, now in thread_times().items()}
    del spent[os.getpid()]
    busiest = sorted(spent, key=spent.get, reverse=True)[: threads - 1]
    for thread, cpu in zip([os.getpid(), *busiest], sorted(os.sched_getaffinity(0)), strict=False):
        os.sched_setaffinity(thread, {cpu})


def thread_times() -> dict[int, int]:
    """Nanoseconds that each thread of this process has run."""
    times = {}
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/schedstat") as file:
            times[int(task)] = int(file.read().split()[0])
    return times
