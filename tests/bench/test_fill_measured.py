"""Tables in the documentation are what the records say."""

from __future__ import annotations

import json

import pytest

from tools import fill_measured
from tools.fill_measured import filled, newest, options_of


@pytest.fixture
def records(tmp_path, monkeypatch):
    """Writes records of a benchmark `mnist_epoch`, oldest first."""
    monkeypatch.setattr(fill_measured, "RESULTS", tmp_path)
    monkeypatch.syspath_prepend(str(fill_measured.ROOT / "bench"))

    def write(*made: tuple[str, float, list[str]]) -> None:
        lines = [json.dumps(record(*one)) for one in made]
        (tmp_path / "mnist_epoch.jsonl").write_text("\n".join(lines) + "\n")

    return write


def record(command: str, seconds: float, refused: list[str]) -> dict:
    common = {"mode": "fit", "cpu_median": 1.0, "loss": 0.1, "test_accuracy": 0.9}
    rows = [
        {"peer": peer, "versions": {peer: "1"}, "median": median, "seconds": [median], **common}
        | {"ratio": seconds / median}
        for peer, median in (("torch", 4 * seconds), ("fastnn", seconds))
    ]
    machine = {"cpu": "a CPU", "isa": ["avx2"], "cpus": 2, "kernel": "6"}
    facts = {"when": "2026-01-02T03:04:05+00:00", "machine": machine, "threads": 2, "rounds": 7}
    made = {"benchmark": "mnist_epoch", "command": command, "rows": rows, "refused": refused}
    return made | facts


def test_options_that_count():
    assert options_of("python bench/gemm.py --threads 1 --avx2 --json x.jsonl") == (
        "gemm", [("--avx2",), ("--threads", "1")]
    )  # fmt: skip
    same = options_of("python bench/step.py --only a b --rounds 9 --peer a=b")
    assert same == options_of("python /elsewhere/step.py --peer=c=d --only a b")
    assert same != options_of("python bench/step.py --only a")


def test_the_newest_that_was_not_refused(records):
    command = "python bench/mnist_epoch.py --pixels unit"
    assert newest(command) is None
    records(
        (command, 1.0, []),
        (f"{command} --rounds 11", 2.0, []),
        (command, 3.0, ["too loud"]),
        ("python bench/mnist_epoch.py", 4.0, []),
    )
    assert newest(command)["rows"][1]["median"] == 2.0


def test_records_of_another_machine(records, tmp_path, monkeypatch):
    command = "python bench/mnist_epoch.py --pixels unit"
    records((command, 1.0, []))
    monkeypatch.setattr(fill_measured, "ROOT", tmp_path)
    elsewhere = tmp_path / "another"
    elsewhere.mkdir()
    there = f"{command} --json another/mnist_epoch.jsonl"
    assert newest(there) is None and newest(command, elsewhere) is None
    (elsewhere / "mnist_epoch.jsonl").write_text(json.dumps(record(command, 2.0, [])) + "\n")
    for made in (newest(there), newest(command, elsewhere)):
        assert made["rows"][1]["median"] == 2.0
    assert newest(command)["rows"][1]["median"] == 1.0


def test_a_page_is_filled(records):
    command = "python bench/mnist_epoch.py --pixels unit"
    other = command.replace("unit", "symmetric")
    page = f"""Before.
<!-- measured: {command} -->
what was here
<!-- end -->
Between.
<!-- measured as a list: {command} | {other} -->
<!-- end -->
After."""
    assert filled(page).count(f"(Not measured yet: `{command}`.)") == 2
    records((command, 0.5, []), (other, 0.75, []))
    text = filled(page)
    assert "what was here" not in text and text.startswith("Before.") and text.endswith("After.")
    assert f"$ {command}\n2026-01-02, a CPU, avx2, 2 threads, 7 rounds\n" in text
    assert "torch fit     2.000" in text
    assert (
        "| fastnn 1: fit | 0.500 |  | 0.750 |  |\n| PyTorch 1: fit | 2.000 | 0.25 | 3.000 | 0.25 |"
        in text
    )
    assert "Between." in text and filled(text) == text


def test_what_the_goals_say(records, tmp_path, monkeypatch):
    monkeypatch.setattr(fill_measured, "ROOT", tmp_path)
    made = record("python bench/mnist_epoch.py --pixels unit", 0.5, [])
    made["rows"][0]["mode"] = "eager"  # torch's, four times as long
    (tmp_path / "mnist_epoch.jsonl").write_text(json.dumps(made) + "\n")
    text = filled("<!-- goals: . -->\nwhat was here\n<!-- end -->\nAfter.")
    assert "what was here" not in text and text.endswith("After.") and filled(text) == text
    verdicts = {line.split("  ")[1].strip(): line for line in text.splitlines() if "<=" in line}
    assert " 0.250 " in (torch := verdicts["epoch of MNIST / PyTorch"]) and "NOT MET" in torch
    assert "not measured" in verdicts["epoch of MNIST / Keras fit"]


def test_the_pages_are_what_the_records_say(monkeypatch):
    if not fill_measured.RESULTS.exists():
        pytest.skip("bench/results is not in a source distribution")
    monkeypatch.syspath_prepend(str(fill_measured.ROOT / "bench"))
    for page in fill_measured.PAGES:
        text = page.read_text()
        assert filled(text) == text, f"{page.name}: run tools/fill_measured.py"
