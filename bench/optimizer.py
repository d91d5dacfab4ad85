"""An optimizer's step over many parameters, side by side: fastnn, PyTorch, JAX, NumPy.

    python bench/optimizer.py --peer torch=PYTHON --peer jax=PYTHON

One flat array of float32 parameters, its gradient, and the optimizer's slots, in the caches and far
larger than they are. A step reads all of them and writes all but the gradient: its bytes a second
stand beside those of a plain loop that copies as many bytes with as many threads, measured in the
same rounds (a copy also reads what it writes over, which nobody counts). A copy by each library is
shown too.
"""

from __future__ import annotations

from harness import Case, aligned, arguments, conclude, measure, refusals, rows, seconds_text, start

MODES = {"fastnn": ["flat"], "torch": ["fused"], "jax": ["jit"], "numpy": ["in place"]}
# Arrays of the parameters' size that a step holds, and that it reads or writes.
ARRAYS = {"adam": (4, 7), "adamw": (4, 7), "momentum": (3, 5), "sgd": (2, 3), "copy": (2, 2)}


def main() -> None:
    parser = arguments(__doc__, MODES)
    parser.add_argument("--sizes", nargs="+", type=int, default=[10**5, 10**7], metavar="N")
    parser.add_argument("--steps", nargs="+", choices=ARRAYS, default=list(ARRAYS), metavar="NAME")
    chosen = parser.parse_args()
    workers = start("optimizer", chosen, MODES)
    cases = [
        Case(f"{step} {size}", {"held": 4 * size * held, "bytes": 4 * size * moved})
        for size in chosen.sizes
        for step in chosen.steps
        for held, moved in [ARRAYS[step]]
    ]
    peaks = [f"copy {held}" for held in {case.facts["held"]: 0 for case in cases}]
    measurement = measure(workers, cases, chosen.rounds, turn=0.05, peaks=peaks)
    made = rows(measurement)
    for row in made:
        if "median" in row:
            row["rate"] = row["bytes"] / row["median"]
            row["of_copy"] = row["rate"] / measurement.peaks[f"copy {row['held']}"]
    conclude("optimizer", chosen, measurement, made, table, refusals(chosen, measurement))


def table(made: list[dict]) -> str:
    lines = [["step, parameters", "peer", "seconds", "GB/s", "of a copy's", "fastnn / it"]]
    for row in made:
        if "median" in row:
            share = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
            rates = [f"{row['rate'] / 1e9:.1f}", f"{row['of_copy']:.2f}", share]
            lines.append([row["case"], row["peer"], seconds_text(row["median"]), *rates])
    return aligned(lines)


if __name__ == "__main__":
    main()
