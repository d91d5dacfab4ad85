"""The default number of threads against one: training and prediction, narrow to wide.

    python bench/threads.py --peer torch=PYTHON --widths 8 64 512 --batches 32 512

Dense networks width-width-width-10, a minibatch at a time. More threads than the work is worth make
it slower: the last columns are the seconds with as many threads as the library takes by itself, by
those with one, for fastnn and for PyTorch.
"""

from __future__ import annotations

from harness import (
    Case,
    aligned,
    arguments,
    conclude,
    measure,
    ratio,
    refusals,
    rows,
    seconds_text,
    start,
)

MODES = {"fastnn": ["default", "one"], "torch": ["default", "one"]}
WIDTHS = [8, 16, 32, 64, 128, 256, 512, 1024, 2048]


def main() -> None:
    parser = arguments(__doc__, MODES)
    parser.add_argument("--widths", nargs="+", type=int, default=WIDTHS, metavar="N")
    parser.add_argument("--batches", nargs="+", type=int, default=[32, 128, 512], metavar="N")
    parser.add_argument("--kinds", nargs="+", default=["train", "predict"], metavar="KIND")
    chosen = parser.parse_args()
    workers = start("widths", chosen, MODES)
    cases = [
        Case(f"{kind} {width} {batch} {count}", {"minibatches": count})
        for width in chosen.widths
        for batch in chosen.batches
        for count in [minibatches(width, batch)]
        for kind in chosen.kinds
    ]
    measurement = measure(workers, cases, chosen.rounds, turn=0.02, sample=0.005)
    made = rows(measurement)
    conclude("threads", chosen, measurement, made, table, refusals(chosen, measurement))


def minibatches(width: int, batch: int) -> int:
    """How many make about a millisecond, at 100 GFLOP/s, but no more than PyTorch does in some 20:
    what one call does."""
    return min(128, max(1, 10**8 // (12 * batch * width * width)))


def table(made: list[dict]) -> str:
    """A line a case: seconds of a minibatch, and default / one of each peer."""
    cases = {row["case"]: row["minibatches"] for row in made}
    head = [
        "case (width, batch, minibatches a call)",
        "fastnn one",
        "default",
        "ratio",
        "torch one",
        "default",
        "ratio",
    ]
    lines, worst = [head], {}
    for case, count in cases.items():
        line = [case]
        for peer in MODES:
            seconds = {
                r["mode"]: r["median"] for r in made if r["case"] == case and r["peer"] == peer
            }
            if not seconds:
                continue
            times = ratio(made, case, (peer, "default"), (peer, "one"))
            worst[peer] = max(worst.get(peer, (0, "")), (times, case))
            line += [seconds_text(seconds[mode] / count) for mode in ("one", "default")]
            line.append(f"{times:.2f}")
        lines.append(line + ["-"] * (len(head) - len(line)))
    text = aligned(lines) + "\n"
    for peer, (times, case) in worst.items():
        text += f"\n{peer}: at most {times:.2f} ({case})"
    return text


if __name__ == "__main__":
    main()
