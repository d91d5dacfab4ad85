"""On a GPU, side by side: fastnn, CuPy (cuBLAS), PyTorch, JAX. Products, and training steps.

    python bench/cuda.py                                   # float32, at its full precision
    python bench/cuda.py --precision medium                # factors of bf16
    python bench/cuda.py --peer torch=PYTHON --only fastnn torch

Without a GPU it says what is missing, and ends: the emulator's seconds say nothing of a GPU's.
README.md says what makes the comparison fair.
"""

from __future__ import annotations

import sys

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

MODES = {  # by what fastnn may do to the factors of a product
    "highest": {
        "fastnn": ["float32"],
        "cupy": ["float32"],
        "torch": ["float32", "float32 graph"],
        "jax": ["float32 scan"],
    },
    "high": {"fastnn": ["tf32"], "cupy": ["tf32"], "torch": ["tf32", "tf32 graph"]},
    "medium": {"fastnn": ["bf16"], "torch": ["bf16", "bf16 graph"], "jax": ["bf16 scan"]},
}
PRODUCTS = """
    128 128 784 nn
    784 128 128 tn
    128 1024 1024 nn
    1024 1024 128 tn
    128 1024 1024 nt
    1024 1024 1024 nn
    4096 4096 4096 nn
"""
NETWORKS = ["784-128-10", "784-1024-1024-10"]
ROWS = 32768


def main() -> None:
    parser = arguments(__doc__, MODES["highest"])
    parser.add_argument("--precision", choices=MODES, default="highest")
    parser.add_argument("--batches", nargs="+", type=int, default=[128], metavar="N")
    chosen = parser.parse_args()
    missing = no_device()
    if missing:
        print(f"skipped, there is no GPU to measure: {missing}", file=sys.stderr)
        return
    modes = MODES[chosen.precision]
    chosen.only = [peer for peer in chosen.only if peer in modes]
    workers = start("cuda", chosen, modes, rows=ROWS)
    measurement = measure(workers, cases_of(chosen), chosen.rounds, turn=0.1, sample=0.01)
    made = rows(measurement)
    conclude("cuda", chosen, measurement, made, table, refusals(chosen, measurement))


def no_device() -> str:
    """Why nothing can be measured; "" where something can."""
    from fastnn.runtime.device import cuda_info

    found = cuda_info()
    return found["reason"] or ("this is the emulator" if found["emulated"] else "")


def cases_of(chosen) -> list[Case]:
    shapes = [" ".join(line.split()) for line in PRODUCTS.splitlines() if line.strip()]
    cases = []
    for shape in shapes:
        m, n, k = map(int, shape.split()[:3])
        cases.append(Case(f"product {shape}", {"flops": 2 * m * n * k}))
    for net in NETWORKS:
        for batch in chosen.batches:
            facts = {"flops": step_flops(net, batch), "steps": -(-ROWS // batch)}
            cases.append(Case(f"step {net} {batch}", facts))
    return cases


def table(made: list[dict]) -> str:
    lines = [["case", "peer", "seconds", "TFLOP/s", "fastnn / it"]]
    for row in made:
        if "median" not in row:
            continue
        once = row["median"] / row.get("steps", 1)
        lines.append(
            [row["case"], f"{row['peer']} {row['mode']}", seconds_text(once)]
            + [f"{row['flops'] / once / 1e12:.2f}"]
            + ["-" if row["ratio"] is None else f"{row['ratio']:.3f}"]
        )
    return aligned(lines)


if __name__ == "__main__":
    main()
