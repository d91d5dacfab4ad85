"""Elementwise kernels and softmax, forward and backward, side by side: fastnn, NumPy, PyTorch.

    python bench/elementwise.py --peer torch=PYTHON

float32 arrays in the caches and far larger than they are; every result is written to an array that
is given. Bytes a second, of what is read and written, stand beside those of a plain loop that
copies as much with as many threads, measured in the same rounds.
"""

from __future__ import annotations

from harness import Case, aligned, arguments, conclude, measure, refusals, rows, seconds_text, start

MODES = {"fastnn": ["program", "eager"], "numpy": ["out"], "torch": ["out"]}
ARRAYS = {  # that an op reads and writes
    "copy": 2,
    "add": 3,
    "relu": 2,
    "relu_grad": 3,
    "gelu": 2,
    "gelu_grad": 3,
    "sigmoid": 2,
    "tanh": 2,
    "softmax": 2,
    "softmax_grad": 3,
}


def main() -> None:
    parser = arguments(__doc__, MODES)
    parser.add_argument("--sizes", nargs="+", type=int, default=[10**5, 10**7], metavar="N")
    parser.add_argument("--ops", nargs="+", choices=ARRAYS, default=list(ARRAYS), metavar="OP")
    chosen = parser.parse_args()
    workers = start("elementwise", chosen, MODES)
    cases = [
        Case(f"{op} {size}", {"size": size, "bytes": 4 * size * ARRAYS[op]})
        for size in chosen.sizes
        for op in chosen.ops
    ]
    peaks = {size: f"copy {8 * size}" for size in chosen.sizes}
    measurement = measure(workers, cases, chosen.rounds, peaks=list(peaks.values()))
    made = rows(measurement)
    for row in made:
        if "median" in row:
            row["rate"] = row["bytes"] / row["median"]
            row["of_copy"] = row["rate"] / measurement.peaks[peaks[row["size"]]]
    conclude("elementwise", chosen, measurement, made, table, refusals(chosen, measurement))


def table(made: list[dict]) -> str:
    lines = [["op, elements", "peer", "seconds", "GB/s", "of a copy's", "fastnn / it"]]
    for row in made:
        if "median" in row:
            share = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
            rates = [f"{row['rate'] / 1e9:.1f}", f"{row['of_copy']:.2f}", share]
            name = f"{row['peer']} {row['mode']}"
            lines.append([row["case"], name, seconds_text(row["median"]), *rates])
    return aligned(lines)


if __name__ == "__main__":
    main()
