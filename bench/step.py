"""Seconds of a training step, side by side: fastnn, PyTorch, JAX, Keras, scikit-learn, NumPy.

    python bench/step.py --peer torch=PYTHON --networks 784-128-10 --batches 32 128

Dense networks with relu, softmax and cross-entropy, trained by Adam on numbers none of which is 0.
A step is everything: rows gathered in a shuffled order, forward, loss, backward, optimizer. Beside
the seconds stands the share of the measured peak that the matrix products of a step make of it.
README.md says what makes the comparison fair.
"""

from __future__ import annotations

import statistics

from harness import (
    Case,
    aligned,
    arguments,
    conclude,
    measure,
    refusals,
    rows,
    seconds_text,
    start,
    step_flops,
)

MODES = {
    "fastnn": ["fp32", "bf16"],
    "torch": ["eager", "compiled", "bf16 eager", "bf16 compiled"],
    "jax": ["scan", "bf16 scan"],
    "keras": ["steps", "steps+jit"],
    "sklearn": ["fit"],
    "numpy": ["by hand"],
}
CHOICES = ["fp32", "bf16", "one thread", "avx2", "generic"]
CHOICES += ["gradients in memory", "a call for each step"]
PEAKS = ["fma", "bf16 dot", "bf16 tiles"]
NETWORKS = ["784-128-10", "784-1024-1024-10"]
ROWS = 4096  # 12.8 MB: an epoch has 4096 / batch steps


def main() -> None:
    parser = arguments(__doc__, MODES)
    parser.add_argument("--networks", nargs="+", default=NETWORKS, metavar="SIZES")
    parser.add_argument("--batches", nargs="+", type=int, default=[128], metavar="N")
    parser.add_argument("--modes", nargs="+", metavar="MODE", help="only these, of every peer")
    parser.add_argument(
        "--choices",
        action="store_true",
        help="fastnn beside itself, in each mode without one of its choices",
    )
    chosen = parser.parse_args()
    modes = {"fastnn": CHOICES} if chosen.choices else MODES
    chosen.only = [peer for peer in chosen.only if peer in modes]
    if chosen.modes:
        modes = {peer: [m for m in modes[peer] if m in chosen.modes] for peer in modes}
    workers = start("step", chosen, modes, rows=ROWS)
    cases = [
        Case(f"{net} {batch}", {"flops": step_flops(net, batch), "steps": -(-ROWS // batch)})
        for net in chosen.networks
        for batch in chosen.batches
    ]
    measurement = measure(workers, cases, chosen.rounds, turn=0.1, sample=0.01, peaks=PEAKS)
    made = rows(measurement)
    for row in made:
        if "median" in row:
            row["step"] = row["median"] / row["steps"]
            row["share"] = row["flops"] / row["step"] / measurement.peaks["fma"]
    refused = refusals(chosen, measurement) + unlearnt(made)
    conclude("step", chosen, measurement, made, table, refused)


def unlearnt(made: list[dict]) -> list[str]:
    """Whose mean loss over the first two epochs is not what the others' is."""
    reasons = []
    for case in dict.fromkeys(row["case"] for row in made):
        here = [row for row in made if row["case"] == case and "losses" in row]
        means = [statistics.fmean(row["losses"]) for row in here]
        middle = statistics.median(means)
        reasons += [
            f"{row['peer']} {row['mode']}, {case}: a loss of {mean:.3f}, the median is {middle:.3f}"
            for row, mean in zip(here, means, strict=True)
            if not 0.85 * middle < mean < 1.15 * middle
        ]
    return reasons


def table(made: list[dict]) -> str:
    head = ["net batch", "peer", "step", "CPU", "GFLOP/s", "of the fp32 peak", "fastnn fp32 / it"]
    lines = [head]
    for row in made:
        if "step" in row:
            lines.append(
                [row["case"], f"{row['peer']} {row['mode']}"]
                + [seconds_text(row["step"]), seconds_text(row["cpu_median"] / row["steps"])]
                + [f"{row['flops'] / row['step'] / 1e9:.1f}", f"{row['share']:.1%}"]
                + ["-" if row["ratio"] is None else f"{row['ratio']:.3f}"]
            )
    return aligned(lines)


if __name__ == "__main__":
    main()
