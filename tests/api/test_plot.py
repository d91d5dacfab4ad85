"""Pictures: what is drawn where, without a display, and what is said without matplotlib."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from fastnn.plot import plot_confusion, plot_history

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def matplotlib():
    return pytest.importorskip("matplotlib", reason="the extra [plot] is not installed")


class History:
    def __init__(self, history, epoch):
        self.history, self.epoch = history, epoch


def curves_of(axes):
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines
    }


def test_history_has_a_panel_for_each_quantity(matplotlib, tmp_path):
    history = {
        "loss": [3.0, 2.0, 1.0],
        "accuracy": [0.1, 0.2, 0.3],
        "val_loss": [3.5, 2.5, 1.5],
        "val_accuracy": [0.0, 0.1, 0.2],
    }
    figure = plot_history(history, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(PNG)
    assert [axes.get_title() for axes in figure.axes] == ["loss", "accuracy"]
    assert curves_of(figure.axes[0]) == {
        "training": ([1, 2, 3], [3.0, 2.0, 1.0]),
        "validation": ([1, 2, 3], [3.5, 2.5, 1.5]),
    }
    assert curves_of(figure.axes[1])["validation"][1] == [0.0, 0.1, 0.2]


def test_history_object_continued_and_validated_now_and_then(matplotlib, tmp_path):
    history = History({"loss": [4.0, 3.0, 2.0, 1.0], "val_loss": [5.0, 4.0]}, [10, 11, 12, 13])
    figure = plot_history(history, tmp_path / "curve.svg")
    assert curves_of(figure.axes[0]) == {
        "training": ([11, 12, 13, 14], [4.0, 3.0, 2.0, 1.0]),
        "validation": ([12, 14], [5.0, 4.0]),
    }


def test_history_without_training_values(matplotlib, tmp_path):
    figure = plot_history({"val_loss": [1.0]}, tmp_path / "curve.png")
    assert [axes.get_title() for axes in figure.axes] == ["val_loss"]


@pytest.mark.parametrize("history", [{}, History({}, [])])
def test_empty_history(history):
    with pytest.raises(ValueError, match="the history is empty"):
        plot_history(history)


def test_figure_to_show_is_known_to_pyplot_and_one_for_a_file_is_not(matplotlib, tmp_path):
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    plot_history({"loss": [1.0]}, tmp_path / "curve.png")
    assert plt.get_fignums() == []
    figure = plot_history({"loss": [1.0]})
    assert plt.gcf() is figure
    plt.close(figure)


def test_confusion(matplotlib, tmp_path):
    matrix = np.array([[8, 2, 0], [0, 10, 0], [0, 0, 0]])
    figure = plot_confusion(matrix, ["ant", "bee", "cat"], tmp_path / "confusion.png")
    assert (tmp_path / "confusion.png").read_bytes().startswith(PNG)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ant", "bee", "cat"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    # Counts stand at (column, row); shades are shares of the row; a row without images is 0.
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert texts == {(0, 0): "8", (1, 0): "2", (1, 1): "10"}
    shades = axes.images[0].get_array()
    np.testing.assert_array_equal(shades, [[0.8, 0.2, 0], [0, 1, 0], [0, 0, 0]])


@pytest.mark.parametrize("shape", [(2, 3), (3, 3), (2,), (2, 2, 2)])
def test_confusion_of_a_wrong_shape(shape):
    with pytest.raises(ValueError, match=r"expected \(2, 2\)"):
        plot_confusion(np.zeros(shape, int), ["a", "b"])


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'fastnn-native\[plot\]'"):
        plot_history({"loss": [1.0]})


def test_plots_import_matplotlib_only_when_they_draw():
    import subprocess

    code = "import sys, fastnn.plot; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
