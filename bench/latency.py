"""Seconds from an input to its prediction, side by side: fastnn, PyTorch, Keras, ONNX Runtime,
scikit-learn.

    python bench/latency.py --threads 1 --peer torch=PYTHON --peer keras=PYTHON ...

The founding network (784-128-10) and a larger one, 1 to 128 rows a call. Every call is timed alone,
one after the other: the median, and the 99th of a hundred. README.md says what makes the comparison
fair.
"""

from __future__ import annotations

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
)

MODES = {
    "fastnn": ["compiled", "call", "predict", "predict_auto"],
    "torch": ["eager", "script", "compile"],
    "keras": ["predict", "predict_on_batch", "call", "function"],
    "onnxruntime": ["run", "bound"],
    "sklearn": ["predict_proba"],
}
NETWORKS = ["784-128-10", "784-1024-1024-10"]
BATCHES = [1, 8, 32, 128]


def main() -> None:
    parser = arguments(__doc__, MODES)
    parser.add_argument("--networks", nargs="+", default=NETWORKS, metavar="SIZES")
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES, metavar="ROWS")
    parser.add_argument("--modes", nargs="+", metavar="MODE", help="of the peers, all by default")
    chosen = parser.parse_args()
    modes = {peer: [m for m in MODES[peer] if m in (chosen.modes or [m])] for peer in MODES}
    workers = start("latency", chosen, modes)
    cases = [
        Case(f"{network} {batch}", facts_of(network, batch))
        for network in chosen.networks
        for batch in chosen.batches
    ]
    measurement = measure(workers, cases, chosen.rounds, sample=0, peaks=["fma"])
    made = rows(measurement)
    for worker in workers:
        squares = worker.finish()["squares"]
        for row in made:
            if (row["peer"], row["mode"]) == (worker.peer, worker.mode):
                row["squares"] = squares[row["case"]]
    refused = refusals(chosen, measurement) + different(made)
    conclude("latency", chosen, measurement, made, table, refused)


def facts_of(network: str, batch: int) -> dict:
    sizes = [int(size) for size in network.split("-")]
    weights = sum(n * m + m for n, m in zip(sizes, sizes[1:], strict=False))
    return {"rows": batch, "flops": 2 * batch * weights, "weight_bytes": 4 * weights}


def different(made: list[dict]) -> list[str]:
    """Cases in which a peer's probabilities are not what the others' are."""
    seen = {}
    for row in made:
        seen.setdefault(row["case"], []).append(row["squares"])
    return [
        f"{case}: the means of the squared probabilities are {' '.join(map(str, squares))}"
        for case, squares in seen.items()
        if max(squares) - min(squares) > 1e-4 * max(squares)
    ]


def table(made: list[dict]) -> str:
    """A table for each network, a line for each peer and mode; for each number of rows the median,
    the 99th of a hundred, and fastnn's median by it."""
    networks: dict[str, dict[str, list[str]]] = {}
    batches: dict[str, list[str]] = {}
    for row in made:
        network, batch = row["case"].split()
        if batch not in batches.setdefault(network, []):
            batches[network].append(batch)
        line = networks.setdefault(network, {}).setdefault(f"{row['peer']} {row['mode']}", [])
        tail = seconds_text(row["p99"]) if "p99" in row else "-"
        share = "-" if row["ratio"] is None else f"{row['ratio']:.2g}"
        line += [seconds_text(row["median"]), tail, share]
    tables = []
    for network, lines in networks.items():
        head = [cell for batch in batches[network] for cell in (f"{batch}:", "p99", "f / it")]
        tables.append(
            aligned([[network, *head], *([name, *cells] for name, cells in lines.items())])
        )
    return "\n\n".join(tables)


if __name__ == "__main__":
    main()
