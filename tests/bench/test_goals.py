"""The list of benchmarks, the tables of docs/ and the goals speak of the same commands."""

from __future__ import annotations

import pytest

from tools import fill_measured


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(fill_measured.ROOT / "bench"))


def test_every_table_is_measured_by_run_all():
    import run_all

    commands = run_all.COMMANDS + run_all.ELSEWHERE
    there = [fill_measured.options_of(f"python bench/{line}") for line in commands]
    shown = [
        fill_measured.options_of(command)
        for page in fill_measured.PAGES
        for match in fill_measured._BLOCK.finditer(page.read_text())
        for command in match["commands"].split(" | ")
    ]
    assert shown and all(command in there for command in shown)


def test_every_goal_is_measured_by_run_all():
    import goals
    import run_all

    assert {goal.command for goal in goals.GOALS} <= set(run_all.COMMANDS)


def row(peer, mode, case, median, **facts):
    return {"peer": peer, "mode": mode, "case": case, "median": median, **facts}


def test_values():
    import goals

    record = {
        "rows": [
            row("fastnn", "default", "a", 3.0, share=0.5),
            row("fastnn", "one", "a", 4.0),
            row("fastnn", "default", "b", 6.0),
            row("fastnn", "one", "b", 5.0),
            row("torch", "eager", "a", 12.0),
            row("torch", "compiled", "a", 10.0),
        ]
    }
    assert goals.default_by_one(record) == 1.2
    assert goals.times("torch", case="a")(record) == 0.3
    assert goals.times("torch", "eager", case="a")(record) == 0.25
    assert goals.field("share", "default", "a")(record) == 0.5
    shapes = {"rows": [row("fastnn", "", "s", 2.0), row("numpy", "", "s", 3.0)]}
    assert goals.products(min, "numpy")(shapes) == 1.5
