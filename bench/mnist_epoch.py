"""Seconds per epoch of the founding network, side by side: fastnn, Keras, PyTorch, JAX.

    python bench/mnist_epoch.py --data DIR --peer keras=PYTHON --peer torch=PYTHON --peer jax=PYTHON

All of MNIST, scaled pixels in float32, 784-128-10, Adam, batch 128. Each peer trains one epoch when
its turn comes. README.md says what makes the comparison fair, and what is refused.
"""

from __future__ import annotations

import argparse
import os
import statistics
from pathlib import Path

from harness import Case, aligned, arguments, conclude, measure, refusals, rows, start, step_flops

MODES = {
    "fastnn": ["fit", "bf16"],
    "keras": ["fit", "jit", "steps", "steps+jit"],
    "torch": ["eager"],
    "jax": ["scan"],
}
WARM_UP = 2  # epochs: compilation, tuning of input pipelines
BATCH = 128
FLOPS = step_flops("784-128-10", 60_000)  # of an epoch, zeros counted like other numbers
LEAST_ACCURACY = 0.95  # a network that has learnt the digits


def main() -> None:
    chosen = parsed()
    workers = start(
        "mnist_epoch", chosen, MODES, data=chosen.data, pixels=chosen.pixels, batch=BATCH
    )
    measurement = measure(
        workers, [Case("epoch")], chosen.rounds, turn=None, warm_up=WARM_UP, peaks=["fma"]
    )
    made = rows(measurement)
    for row, worker in zip(made, workers, strict=True):
        row |= worker.finish()
        row["share"] = FLOPS / row["median"] / measurement.peaks["fma"]
    refused = refusals(chosen, measurement) + unlearnt(made)
    facts = {"pixels": chosen.pixels, "batch": BATCH}
    conclude("mnist_epoch", chosen, measurement, made, table, refused, **facts)


def parsed() -> argparse.Namespace:
    parser = arguments(__doc__, MODES)
    parser.add_argument("--data", default=os.environ.get("FASTNN_DATA"), help="has mnist.npz")
    parser.add_argument(
        "--pixels",
        choices=["unit", "symmetric"],
        default="unit",
        help="scaled to [0, 1], where four fifths are zeros, or to [-1, 1], where none is",
    )
    chosen = parser.parse_args()
    if chosen.data is None or not (Path(chosen.data) / "mnist.npz").exists():
        parser.error("no full MNIST: name the folder of mnist.npz by --data or $FASTNN_DATA")
    return chosen


def unlearnt(made: list[dict]) -> list[str]:
    """Who did not learn what the others learnt."""
    reasons = []
    accuracy = statistics.median(row["test_accuracy"] for row in made)
    loss = statistics.median(row["loss"] for row in made)
    for row in made:
        name = f"{row['peer']} {row['mode']}"
        if abs(row["test_accuracy"] - accuracy) > 0.01 or row["test_accuracy"] < LEAST_ACCURACY:
            reasons.append(f"{name} has test accuracy {row['test_accuracy']:.4f}")
        if not loss / 1.25 < row["loss"] < loss * 1.25:
            reasons.append(f"{name} has training loss {row['loss']:.4f}, the median is {loss:.4f}")
    return reasons


def table(made: list[dict]) -> str:
    head = ["peer", "s/epoch", "min", "max", "CPU s", "loss", "test acc", "of peak", "fastnn / it"]
    lines = [head]
    for row in made:
        times = (row["median"], min(row["seconds"]), max(row["seconds"]), row["cpu_median"])
        lines.append(
            [f"{row['peer']} {row['mode']}"]
            + [f"{seconds:.3f}" for seconds in times]
            + [f"{row['loss']:.4f}", f"{row['test_accuracy']:.4f}"]
            + [f"{row['share']:.1%}" if "share" in row else "-"]
            + ["-" if row["ratio"] is None else f"{row['ratio']:.3f}"]
        )
    return aligned(lines)


if __name__ == "__main__":
    main()
