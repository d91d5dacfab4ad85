"""`python -m fastnn`, and the founding program."""

from __future__ import annotations

import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.__main__ import main
from fastnn.cli.report import confusion_matrix, precision_recall_table

EXAMPLES = Path(__file__).parents[2] / "examples"


# ---- the report


def test_confusion_matrix():
    true, predicted = np.uint8([0, 0, 1, 2, 2, 2]), np.int64([0, 1, 1, 2, 2, 0])
    matrix = confusion_matrix(true, predicted, 4)
    assert matrix.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 2, 0], [0, 0, 0, 0]]


def test_confusion_matrix_of_more_classes_than_a_byte_squared():
    """Class numbers come as uint8; 200 * 201 must not be taken modulo 256."""
    matrix = confusion_matrix(np.uint8([200]), np.uint8([7]), 201)
    assert matrix[200, 7] == 1 and matrix.sum() == 1


def test_precision_recall_table():
    matrix = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    assert precision_recall_table(matrix, ["ant", "bee", "cat"]).splitlines() == [
        "class  precision  recall  images",
        "  ant     1.0000  0.7500       4",
        "  bee     0.8000  1.0000       4",
        "  cat          -       -       0",
    ]


# ---- commands


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["race"], r"invalid choice: '?race'? \(choose from '?info'?, '?mnist'?, '?bench'?\)"),
        ([], "the following arguments are required: COMMAND"),
        (["mnist", "--epochs", "0"], "--epochs: expected at least 1, got 0"),
        (["mnist", "--batch-size", "many"], "--batch-size: invalid"),
        (["bench", "--threads", "0"], "--threads: expected at least 1, got 0"),
        (["mnist", "--speed", "9"], "unrecognized arguments: --speed"),
    ],
)
def test_wrong_commands(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.cpu(reason="what is said where there is no CUDA")
def test_info(capsys):
    main(["info"])
    printed = capsys.readouterr().out
    info = fastnn.info()
    assert fastnn.__version__ in printed
    assert re.search(rf"instruction set +{info['isa']}", printed)
    assert re.search(rf"bf16 products +{info['bf16'] or 'none'}", printed)
    assert re.search(rf"threads +{info['threads']}\b", printed)
    assert re.search(r"CUDA +no", printed)


def test_info_as_a_process():
    command = [sys.executable, "-m", "fastnn", "info"]
    came = subprocess.run(command, capture_output=True, text=True)
    assert came.returncode == 0 and came.stderr == "" and "instruction set" in came.stdout


def test_mnist(tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="the extra [plot] is not installed")
    main(
        [
            "mnist",
            "--sample",
            "--epochs",
            "2",
            "--batch-size",
            "32",
            "--seed",
            "5",
            "--plot",
            str(tmp_path / "pictures"),
        ]
    )
    printed = capsys.readouterr().out
    accuracy = float(re.search(r"test accuracy (0\.\d+)", printed)[1])
    # 626 steps give 0.90 to 0.93, by the seed; a model that learns nothing gives 0.1.
    assert 0.9 < accuracy < 0.97
    rows = re.findall(r"^ +(\d)  +([01]\.\d{4})  ([01]\.\d{4})  +(\d+)$", printed, re.MULTILINE)
    assert [int(row[0]) for row in rows] == list(range(10))
    # Accuracy is the images' mean of recall.
    found = sum(float(recall) * int(images) for _, _, recall, images in rows)
    assert sum(int(row[3]) for row in rows) == 2000
    assert found / 2000 == pytest.approx(accuracy, abs=1e-4)
    for name in ("mnist_history.png", "mnist_confusion.png"):
        assert (tmp_path / "pictures" / name).read_bytes().startswith(b"\x89PNG")
        assert str(tmp_path / "pictures" / name) in printed


def test_mnist_is_reproducible_and_raw_pixels_differ(capsys, monkeypatch):
    without_matplotlib(monkeypatch)
    common = ["mnist", "--sample", "--epochs", "1", "--batch-size", "500", "--seed", "3"]
    results = []
    for extra in ([], [], ["--raw"]):
        main(common + extra)
        results.append(re.search(r"test accuracy.*", capsys.readouterr().out)[0])
    assert results[0] == results[1] != results[2]


def test_mnist_without_matplotlib(capsys, monkeypatch, tmp_path):
    without_matplotlib(monkeypatch)
    monkeypatch.chdir(tmp_path)
    main(["mnist", "--sample", "--epochs", "1", "--batch-size", "1000"])
    assert "no pictures: pip install 'fastnn-native[plot]'" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_plots_that_cannot_be_drawn_are_refused_before_training(monkeypatch, tmp_path):
    without_matplotlib(monkeypatch)
    with pytest.raises(SystemExit, match="--plot needs matplotlib"):
        main(["mnist", "--sample", "--plot", str(tmp_path)])


def without_matplotlib(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "matplotlib" else real(name)
    )


def test_founding_program(monkeypatch, capsys):
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    with pytest.warns(UserWarning, match="using the sample"):
        names = runpy.run_path(str(EXAMPLES / "mnist.py"))
    predictions = names["predictions"]
    assert predictions.shape == (2000, 10)
    np.testing.assert_allclose(predictions.sum(axis=1), 1, atol=1e-5)
    accuracy = (predictions.argmax(axis=1) == names["y_test"]).mean()
    assert accuracy > 0.85  # raw pixels, 395 steps
    assert capsys.readouterr().out.rstrip().endswith(str(predictions[0]))
