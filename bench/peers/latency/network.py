"""What the peers of `latency.py` share: the network, its input, and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from protocol import serve


class Network(NamedTuple):
    """Dense layers, relu between them and softmax at the end."""

    sizes: list[int]
    weights: list[tuple[np.ndarray, np.ndarray]]  # kernel [in, out] and bias [out] of each layer
    x: np.ndarray  # [rows, in], no element zero


def network_of(case: str) -> Network:
    """The network and the rows of "784-128-10 8", float32."""
    layers, rows = case.split()
    sizes = [int(size) for size in layers.split("-")]
    random = np.random.default_rng(sum(sizes))

    def numbers(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float32)

    weights = [
        (numbers(n, m) / np.sqrt(np.float32(n)), numbers(m))
        for n, m in zip(sizes, sizes[1:], strict=False)
    ]
    return Network(sizes, weights, numbers(int(rows), sizes[0]))


def work(
    make: Callable[[Network], Callable[[], Any]],
    versions: dict[str, str],
    chosen: SimpleNamespace,
    result: Callable[[Any], Any] = lambda given: given,
) -> None:
    """Serve the driver.

    Args:
        make: gives a function that does the network's forward pass, as a user would call it.
        result: takes the probabilities out of what that function returns.
    """
    squares: dict[str, float] = {}

    def prepare(case: str) -> Callable[[], Any]:
        call = make(network_of(case))
        squares[case] = float(np.square(np.asarray(result(call()), np.float64)).mean())
        return call

    serve(prepare, versions, chosen.threads, finish=lambda: {"squares": squares})
