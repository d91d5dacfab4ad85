"""`python -m fastnn mnist`: train a small network on MNIST and show how good it is."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

from fastnn.cli.report import confusion_matrix, precision_recall_table

CLASSES = [str(digit) for digit in range(10)]


def add_to(commands) -> None:
    parser = commands.add_parser(
        "mnist",
        help="train a network on MNIST",
        description="Train a network of 128 hidden units on the digits of MNIST, and show its test "
        "accuracy, precision and recall.",
    )
    parser.add_argument("--epochs", type=_positive, default=5, metavar="N", help="default: 5")
    parser.add_argument(
        "--batch-size", type=_positive, default=128, metavar="N", help="default: 128"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="makes the run reproducible")
    parser.add_argument("--raw", action="store_true", help="pixels 0 to 255 instead of 0 to 1")
    parser.add_argument(
        "--sample", action="store_true", help="the 10,000 + 2,000 images that come with fastnn"
    )
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="DIR",
        help="folder for the learning curve and the confusion matrix; without it they go into the "
        "current folder if matplotlib is installed",
    )
    parser.set_defaults(run=run)


def run(options) -> None:
    folder = _plot_folder(options.plot)

    from fastnn.keras.datasets import mnist
    from fastnn.keras.layers import Dense, Flatten, Rescaling
    from fastnn.keras.models import Sequential
    from fastnn.keras.optimizers import Adam
    from fastnn.keras.utils import set_random_seed

    if options.seed is not None:
        set_random_seed(options.seed)
    (x_train, y_train), (x_test, y_test) = mnist.load_data(sample=options.sample)
    scale = 1.0 if options.raw else 1 / 255
    model = Sequential(
        [
            Rescaling(scale, input_shape=(28, 28)),
            Flatten(),
            Dense(128, activation="relu"),
            Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=Adam(learning_rate=0.001),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(
        x_train,
        y_train,
        epochs=options.epochs,
        batch_size=options.batch_size,
        validation_data=(x_test, y_test),
    )

    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    predicted = model.predict(x_test, verbose=0).argmax(axis=1)
    matrix = confusion_matrix(y_test, predicted, len(CLASSES))
    print(f"\ntest accuracy {accuracy:.4f}, test loss {loss:.4f}, {len(y_test):,} test images\n")
    print(precision_recall_table(matrix, CLASSES))
    if folder is None:
        print("\nno pictures: pip install 'fastnn-native[plot]' for matplotlib")
        return

    from fastnn.plot import plot_confusion, plot_history

    plot_history(history, folder / "mnist_history.png")
    plot_confusion(matrix, CLASSES, folder / "mnist_confusion.png")
    print(f"\nsaved {folder / 'mnist_history.png'} and {folder / 'mnist_confusion.png'}")


def _plot_folder(asked: Path | None) -> Path | None:
    """Where pictures go, None for nowhere. Found out before the training, not after it."""
    if importlib.util.find_spec("matplotlib") is None:
        if asked is not None:
            raise SystemExit(
                "--plot needs matplotlib, which is not installed: pip install 'fastnn-native[plot]'"
            )
        return None
    folder = asked or Path()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {value}")
    return value
