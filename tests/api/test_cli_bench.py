"""`python -m fastnn bench`: what it says follows from what it measured."""

from __future__ import annotations

import json
import re

import pytest

import fastnn
from fastnn.__main__ import main
from fastnn.cli.bench import peaks as peaks_module
from fastnn.cli.bench import roofline
from fastnn.cli.bench.peaks import Level, Peaks, capacities
from fastnn.cli.bench.report import record, report
from fastnn.cli.bench.work import Timed, median_seconds
from tests.api.test_cli import without_matplotlib

pytestmark = pytest.mark.cpu(reason="measures the CPU")

# A machine of 2 threads: 100 GFLOP/s, 400 in bf16, and 400, 200, 100, 50 GB/s.
MACHINE = Peaks(
    2,
    {"fma": (60e9, 100e9), "bf16 dot": (210e9, 400e9)},
    [
        Level("L1", 64e3, 32_000, 200e9, 400e9),
        Level("L2", 2e6, 1_000_000, 100e9, 200e9),
        Level("L3", 32e6, 16_000_000, 90e9, 100e9),
        Level("memory", float("inf"), 128_000_000, 40e9, 50e9),
    ],
)


def test_what_the_machine_allows():
    # 1 GFLOP on 1 MB: 10 ms of arithmetic, 5 us of memory.
    assert MACHINE.least_seconds(1e9, 1e6, 1e6, "highest") == (0.01, "float32")
    assert MACHINE.least_seconds(1e9, 1e6, 1e6, "medium") == (0.0025, "bf16")
    # 280 MB to and from 160 MB are memory's; as much to and from 1 MB the second cache's.
    assert MACHINE.least_seconds(0, 280e6, 160e6, "highest") == (0.0056, "memory")
    assert MACHINE.least_seconds(0, 280e6, 1e6, "highest") == (0.0014, "L2")
    slow = MACHINE._replace(flops={"fma": (60e9, 100e9), "bf16 dot": (40e9, 80e9)})
    assert slow.roofs() == {"float32": 100e9}
    assert slow.least_seconds(1e9, 1e6, 1e6, "medium") == (0.01, "float32")


def test_report_of_known_numbers():
    done = [
        Timed("a product", 0.02, 1e9, 1e7, 1e7),
        Timed("an optimizer", 0.007, 0, 280e6, 160e6),
        Timed("a row", 5e-6),
    ]
    text = report(MACHINE, done)
    assert re.search(r"^fma +60\.0 +100\.0$", text, re.MULTILINE)
    assert re.search(r"^L2 +977 KiB +100\.0 +200\.0$", text, re.MULTILINE)
    assert re.search(r"^A a product +20 ms +50\.0 +0\.5 +50% +float32$", text, re.MULTILINE)
    assert re.search(r"^  an optimizer +7 ms +40\.0 +80% +memory$", text, re.MULTILINE)
    assert re.search(r"^  a row +5 us$", text, re.MULTILINE)
    written = record(MACHINE, done)
    assert written["flops"]["fma"] == {"one": 60e9, "all": 100e9}
    assert written["memory"][3] == {
        "level": "memory", "bytes": 128_000_000, "one": 40e9, "all": 50e9
    }  # fmt: skip
    assert written["work"][0]["least_seconds"] == 0.01
    assert "least_seconds" not in written["work"][2]


def test_one_thread_has_one_column():
    text = report(MACHINE._replace(threads=1), [])
    assert "1 thread\n" in text and re.search(r"^fma +60\.0$", text, re.MULTILINE)


def test_roofline_of_known_numbers():
    """Where lines and letters stand, worked out by hand from the axes' own marks."""
    lines = roofline.text(MACHINE, {"A": (8.0, 100e9), "B": (1 / 8, 50e9 / 8)}).splitlines()
    assert lines[0].strip() == "GFLOP/s"
    canvas = {}
    for line in lines[1:-3]:
        rate, _, drawn = line.partition("|")
        canvas[float(rate)] = drawn
    # 8 FLOPs a byte is half of the way from 1/8 to 512.
    [at_a] = [rate for rate, drawn in canvas.items() if "A" in drawn]
    assert canvas[at_a].index("A") == round((roofline.WIDTH - 1) / 2)
    assert 0.8 < at_a / 100 < 1.25 and "-" in canvas[at_a]
    # Memory's slope begins on the left at 50 GB/s / 8, where B lies on it.
    [at_b] = [rate for rate, drawn in canvas.items() if "B" in drawn]
    assert canvas[at_b].index("B") == 0 and 0.8 < at_b / 6.25 < 1.25
    [bf16] = [rate for rate, drawn in canvas.items() if "=" in drawn]
    assert 0.8 < bf16 / 400 < 1.25
    text = "\n".join(lines)
    assert all(mark in text for mark in ("1 L1", "m memory", "- float32", "= bf16"))


def test_capacities(tmp_path, monkeypatch):
    for index, (level, kind, size) in enumerate(
        [
            (1, "Data", "48K"),
            (1, "Instruction", "32K"),
            (2, "Unified", "2048K"),
            (3, "Unified", "1G"),
        ]
    ):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for name, text in (("level", level), ("type", kind), ("size", size)):
            (folder / name).write_text(f"{text}\n")
    monkeypatch.setattr(peaks_module, "CACHES", tmp_path)
    assert capacities(4) == {"L1": 4 * 48 << 10, "L2": 4 * 2048 << 10, "L3": 1 << 30}
    monkeypatch.setattr(peaks_module, "CACHES", tmp_path / "nowhere")
    assert capacities(2) == {"L1": 64 << 10, "L2": 2 << 20, "L3": 32 << 20}


def test_median_seconds():
    calls = []
    assert median_seconds(lambda: calls.append(1), 0.001) < 1e-4
    assert len(calls) > 100


def test_quick_run_as_json(capsys):
    before = fastnn.info()["threads"]
    main(["bench", "--quick", "--json", "--threads", "1"])
    came = json.loads(capsys.readouterr().out)
    assert came["threads"] == 1 and came["isa"] == fastnn.info()["isa"]
    assert [level["level"] for level in came["memory"]] == ["L1", "L2", "L3", "memory"]
    assert came["flops"]["fma"]["one"] > 1e8
    names = [row["name"] for row in came["work"]]
    assert "step 784-128-10" in names and "one row, model.predict" in names
    assert all(row["seconds"] > 0 for row in came["work"])
    assert fastnn.info()["threads"] == before and fastnn.get_matmul_precision() == "highest"


def test_quick_run_with_a_picture(capsys, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra [plot] is not installed")
    picture = tmp_path / "roofline.png"
    main(["bench", "--quick", "--plot", str(picture)])
    printed = capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG") and f"saved {picture}" in printed
    assert "A product 128 x 128 x 784" in printed and "FLOPs a byte" in printed


def test_a_picture_needs_matplotlib(monkeypatch, tmp_path):
    without_matplotlib(monkeypatch)
    with pytest.raises(SystemExit, match="--plot needs matplotlib"):
        main(["bench", "--quick", "--plot", str(tmp_path / "roofline.png")])
