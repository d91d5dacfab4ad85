"""What fastnn does, timed: products, training steps, an optimizer, single predictions."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

import fastnn
from fastnn import keras, ops

SAMPLES = 9  # the median of so many is reported, of three where one takes long


class Timed(NamedTuple):
    name: str
    seconds: float
    flops: float = 0.0  # of matrix products, where there are some
    bytes: float = 0.0  # that must be read and written at least; 0 where that says nothing
    memory: float = 0.0  # bytes that these are
    precision: str = "highest"

    @property
    def point(self) -> tuple[float, float] | None:
        """(FLOPs a byte, FLOPs a second): its place in a roofline."""
        has_one = self.flops and self.bytes
        return (self.flops / self.bytes, self.flops / self.seconds) if has_one else None


def all_work(seconds: float) -> Iterator[Timed]:
    """Each thing for about `seconds`."""
    yield from products(seconds)
    yield from steps(seconds)
    yield from optimizers(seconds)
    yield from predictions(seconds)


def products(seconds: float) -> Iterator[Timed]:
    """C[m, n] = A B, sums of k products; the last is the gradient of a weight, A transposed."""
    for m, n, k in ((128, 128, 784), (128, 1024, 1024), (1024, 1024, 1024), (1024, 1024, 128)):
        turned = k == 128
        a, b, c = _numbers(*((k, m) if turned else (m, k))), _numbers(k, n), _numbers(m, n)
        product = partial(ops.matmul, a, b, transpose_a=turned, out=c)
        yield Timed(
            f"product {m} x {n} x {k}{', A transposed' if turned else ''}",
            median_seconds(product, seconds),
            2 * m * n * k,
            4 * (m * k + k * n + m * n),
            4 * (m * k + k * n + m * n),
        )


def steps(seconds: float) -> Iterator[Timed]:
    """A step of training at batch 128, of an epoch of 8: gathering of rows to optimizer."""
    before = fastnn.get_matmul_precision()
    try:
        for sizes in ([784, 128, 10], [784, 1024, 1024, 10]):
            for precision in ("highest", "medium"):
                fastnn.set_matmul_precision(precision)
                yield _step(sizes, precision, seconds)
    finally:
        fastnn.set_matmul_precision(before)


def _step(sizes: list[int], precision: str, seconds: float) -> Timed:
    batch, rows = 128, 8 * 128
    model = _network(sizes)
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = _numbers(rows, sizes[0]), np.zeros(rows, np.int32)
    order = np.random.default_rng(0).permutation(rows)
    trainer = model._trainer
    took = median_seconds(lambda: trainer.train_rows(x, y, order=order, batch_size=batch), seconds)
    weights = [m * n for m, n in zip(sizes[:-1], sizes[1:], strict=True)]
    return Timed(
        f"step {'-'.join(map(str, sizes))}{', medium' if precision == 'medium' else ''}",
        took / (rows // batch),
        2 * batch * (3 * sum(weights) - weights[0]),
        # The rows; each parameter and both moments of Adam, read and written.
        4 * (batch * sizes[0] + 6 * model.count_params()),
        4 * (rows * sizes[0] + 3 * model.count_params()),
        precision,
    )


def optimizers(seconds: float) -> Iterator[Timed]:
    """Adam over n parameters: reads them, two moments and the gradient, and writes three back."""
    for n, text in ((100_000, "100 thousand"), (10_000_000, "10 million")):
        p, g, m, v = (_numbers(n) for _ in range(4))
        v *= v  # the second moment is not negative
        adam = partial(ops.adam, p, g, m, v, scalars=np.float32([1e-3, 0.0]))
        yield Timed(
            f"Adam, {text} parameters", median_seconds(adam, seconds), bytes=28 * n, memory=16 * n
        )


def predictions(seconds: float) -> Iterator[Timed]:
    """One row through the founding network."""
    model = _network([784, 128, 10])
    row = _numbers(1, 784)
    calls = {
        "fastnn.compile(model)": partial(fastnn.compile(model), row),
        "model.predict": partial(model.predict, row, verbose=0),
    }
    for name, call in calls.items():
        yield Timed(f"one row, {name}", median_seconds(call, seconds))


def median_seconds(call: Callable[[], object], seconds: float) -> float:
    """The median of samples that together take about `seconds`; a sample is many calls if short."""
    call()
    start = time.perf_counter()
    call()
    once = max(time.perf_counter() - start, 1e-7)
    count = min(SAMPLES, max(3, int(seconds / once)))
    calls = max(1, int(seconds / count / once))
    samples = []
    for _ in range(count):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        samples.append((time.perf_counter() - start) / calls)
    return statistics.median(samples)


def _network(sizes: list[int]) -> keras.Sequential:
    hidden = [keras.layers.Dense(n, "relu") for n in sizes[1:-1]]
    last = keras.layers.Dense(sizes[-1], "softmax")
    return keras.Sequential([keras.Input((sizes[0],)), *hidden, last])


def _numbers(*shape: int) -> np.ndarray:
    """float32 in [-1, 1), hardly one of them zero: no product can skip anything."""
    numbers = np.random.default_rng(0).random(shape, np.float32)
    numbers *= 2
    numbers -= 1
    return numbers
