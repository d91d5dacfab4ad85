"""What a library costs before it does anything: seconds to import, memory, bytes installed.

    python bench/import_and_size.py --peer torch=PYTHON --peer keras=PYTHON

Each import happens in a fresh process, its files in the system's memory already; the time of a
process that imports nothing is taken off. Installed are the package and all that it requires.
"""

from __future__ import annotations

from harness import Case, aligned, arguments, conclude, measure, refusals, rows, seconds_text, start

MODES = {
    "fastnn": ["fastnn.keras", "fastnn"],
    "numpy": ["numpy"],
    "torch": ["torch"],
    "jax": ["jax.numpy"],
    "keras": ["keras"],
    "sklearn": ["sklearn.neural_network"],
    "onnxruntime": ["onnxruntime"],
}


def main() -> None:
    chosen = arguments(__doc__, MODES).parse_args()
    workers = start("import_and_size", chosen, MODES, script="with_any.py")
    measurement = measure(
        workers, [Case("nothing"), Case("import")], chosen.rounds, turn=None, warm_up=2
    )
    made = rows(measurement)
    nothing = {(row["peer"], row["mode"]): row for row in made if row["case"] == "nothing"}
    for row in made:
        bare = nothing[row["peer"], row["mode"]]
        row["import_seconds"] = row["median"] - bare["median"]
        row["memory"] = row["resident"] - bare["resident"]
    conclude("import_and_size", chosen, measurement, made, table, refusals(chosen, measurement))


def table(made: list[dict]) -> str:
    imports = [row for row in made if row["case"] == "import"]
    ours = imports[0] if imports[0]["peer"] == "fastnn" else None
    head = ["import", "seconds", "fastnn / it", "memory", "fastnn / it", "installed", "fastnn / it"]
    lines = [head]
    for row in imports:
        line = [row["mode"]]
        for what in ("import_seconds", "memory", "installed"):
            text = seconds_text(row[what]) if "sec" in what else f"{row[what] / 1e6:.1f} MB"
            line += [text, f"{ours[what] / row[what]:.3f}" if ours else "-"]
        lines.append(line)
    return aligned(lines)


if __name__ == "__main__":
    main()
