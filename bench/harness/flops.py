"""The arithmetic of a training step."""

from __future__ import annotations


def step_flops(network: str, rows: int) -> int:
    """Of the matrix products of a step on `rows` rows: forward, gradients of the weights, and
    gradients of the inputs but the first layer's. network: "784-128-10"."""
    sizes = [int(size) for size in network.split("-")]
    products = [m * n for m, n in zip(sizes[:-1], sizes[1:], strict=True)]
    return 2 * rows * (3 * sum(products) - products[0])
