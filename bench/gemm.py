"""Products of float32 matrices, side by side: fastnn, NumPy (OpenBLAS), PyTorch (MKL).

    python bench/gemm.py --threads 1 --peer torch=PYTHON
    python bench/gemm.py --threads 1 --avx2
    python bench/gemm.py --threads 1 --precision medium --peer torch=PYTHON

Forty shapes of dense layers' products: forward (nn), gradient of the weights (tn) and of the input
(nt). fastnn runs a program of one instruction over and over, as a training run does; the others are
called from Python with an output given. What a call costs beside the product is measured with a
product of 1 x 1 x 1, and the means are given with and without it. README.md says what else makes
the comparison fair.
"""

from __future__ import annotations

import math
import statistics

from harness import Case, aligned, arguments, conclude, measure, refusals, rows, start

MODES = {"fastnn": ["best"], "numpy": ["openblas"], "torch": ["mkl"]}
AVX2_MODES = {"fastnn": ["avx2"], "numpy": ["Haswell"]}
PRECISIONS = {  # what fastnn is told to allow, and the peer's type of A, B and C
    "medium": {"fastnn": ["medium", "best"], "torch": ["bf16"]},
    "high": {"fastnn": ["high", "best"]},
}
CALL = "1 1 1 nn"

# "m n k form": C[m, n], sums of k products. In tn, k is the batch; in nn and nt, m is.
SHAPES = """
    128 128 784 nn
    128 10 128 nn
    784 128 128 tn
    128 10 128 tn
    128 128 10 nt

    128 1024 784 nn
    128 1024 1024 nn
    128 10 1024 nn
    784 1024 128 tn
    1024 1024 128 tn
    1024 10 128 tn
    128 1024 1024 nt
    128 1024 10 nt

    256 4096 1024 nn
    256 1024 4096 nt
    1024 4096 256 tn
    512 2048 2048 nn
    512 2048 2048 nt
    2048 2048 512 tn

    32 512 512 nn
    32 512 512 nt
    512 512 32 tn
    32 2048 2048 nn

    64 64 64 nn
    256 256 256 nn
    512 512 512 nn
    1024 1024 1024 nn
    1024 1024 1024 nt
    1024 1024 1024 tn
    2048 2048 2048 nn
    500 300 700 nn
    1000 1000 1000 nn

    1 128 784 nn
    1 1024 1024 nn
    1 4096 4096 nn
    1024 1 1024 nn
    4096 1 64 nn
    1024 1 4096 tn

    4096 64 64 nn
    64 64 4096 tn
"""
FORTY = [" ".join(line.split()) for line in SHAPES.splitlines() if line.strip()]


def main() -> None:
    parser = arguments(__doc__, MODES)
    parser.add_argument("--avx2", action="store_true", help="all of them without AVX-512")
    parser.add_argument("--shapes", nargs="+", metavar="'M N K FORM'", help="instead of the forty")
    parser.add_argument("--precision", choices=PRECISIONS, help="than float32, beside ours of it")
    chosen = parser.parse_args()
    modes = PRECISIONS.get(chosen.precision) or (AVX2_MODES if chosen.avx2 else MODES)
    chosen.only = [peer for peer in chosen.only if peer in modes]
    workers = start("gemm", chosen, modes)
    cases = [Case(CALL), *(Case(shape, facts_of(shape)) for shape in chosen.shapes or FORTY)]
    measurement = measure(workers, cases, chosen.rounds, turn=0.01, sample=0.002)
    made = rows(measurement)
    refused = refusals(chosen, measurement) + different(made, 1e-2 if chosen.precision else 1e-4)
    calls = {name_of(row): row["median"] for row in made if row["case"] == CALL}
    for row in made:
        if "flops" in row:
            row["gflops"] = row["flops"] / row["median"] / 1e9
            row["net"] = max(row["median"] - calls[name_of(row)], 1e-9)
    conclude("gemm", chosen, measurement, made, table, refused)


def facts_of(shape: str) -> dict:
    m, n, k = map(int, shape.split()[:3])
    return {"flops": 2 * m * n * k}


def name_of(row: dict) -> str:
    """The peer, and its mode where that is not its plain one."""
    plain = row["mode"] in ("best", MODES.get(row["peer"], [""])[0])
    return row["peer"] if plain else f"{row['peer']} {row['mode']}"


def different(made: list[dict], tolerance: float) -> list[str]:
    """Shapes for which a peer's C is not what the others' is."""
    means = {}
    for row in made:
        means.setdefault(row["case"], []).append(row["mean"])
    return [
        f"{case}: the means of |C| are {' '.join(map(str, seen))}"
        for case, seen in means.items()
        if max(seen) - min(seen) > tolerance * max(seen)
    ]


def table(made: list[dict]) -> str:
    """GFLOP/s, and the first fastnn's by each other's and by the best other's."""
    names = list(dict.fromkeys(map(name_of, made)))
    ours = names[0] if names[0].startswith("fastnn") else None
    others = names[1:] if ours else []
    by_shape = {}
    for row in made:
        by_shape.setdefault(row["case"], {})[name_of(row)] = row
    calls = by_shape.pop(CALL)

    def faster(row: dict[str, dict], other: str, what: str = "median") -> float:
        return row[other][what] / row[ours][what]

    head = ["m n k form, GFLOP/s", *names, *(f"/ {other}" for other in others)]
    lines = [head + ["/ best"] if others else head]
    for shape, row in by_shape.items():
        line = [shape] + [f"{row[name]['gflops']:.1f}" for name in names]
        line += [f"{faster(row, other):.2f}" for other in others]
        line += [f"{min(faster(row, other) for other in others):.2f}"] if others else []
        lines.append(line)
    text = aligned(lines)
    cost = ", ".join(f"{name} {row['median'] * 1e6:.2f} us" for name, row in calls.items())
    text += f"\n\na call ({CALL}): {cost}"
    for other in others:
        ratios = [faster(row, other) for row in by_shape.values()]
        net = [faster(row, other, "net") for row in by_shape.values()]
        text += (
            f"\n{ours} / {other}: geometric mean {geometric_mean(ratios):.3f}"
            f" ({geometric_mean(net):.3f} without the calls), least {min(ratios):.2f}"
        )
    return text


def geometric_mean(ratios: list[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, ratios)))


if __name__ == "__main__":
    main()
