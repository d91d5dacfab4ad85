"""The founding program in real Keras: test accuracies of three seeds, raw and scaled pixels."""

from __future__ import annotations

import os
from pathlib import Path

import keras
import numpy as np

from golden.record import versions, write_json

SEEDS = (1, 2, 3)
EPOCHS = 5
BATCH_SIZES = (32, 128)  # Keras' default, and that of the benchmarks


def write(folder: Path, floatx: str) -> None:
    """Write founding.json. The full MNIST: $FASTNN_DATA/mnist.npz, else Keras' own download."""
    (x_train, y_train), (x_test, y_test) = mnist()
    record = {"versions": versions(), "epochs": EPOCHS, "seeds": SEEDS, "runs": []}
    for batch_size in BATCH_SIZES:
        for pixels, divisor in (("raw", 1), ("scaled", 255)):
            data = [x_train / np.float32(divisor), y_train, x_test / np.float32(divisor), y_test]
            runs = [train(seed, batch_size, *data) for seed in SEEDS]
            row = {"batch_size": batch_size, "pixels": pixels}
            row["test_accuracy"] = [run["accuracy"] for run in runs]
            row["mean_test_accuracy"] = float(np.mean(row["test_accuracy"]))
            row["test_loss"] = [run["loss"] for run in runs]
            row["train_loss"] = [run["train_loss"] for run in runs]
            record["runs"].append(row)
            print(row)
    write_json(folder / "founding.json", record)


def mnist():
    if "FASTNN_DATA" not in os.environ:
        return keras.datasets.mnist.load_data()
    with np.load(Path(os.environ["FASTNN_DATA"]) / "mnist.npz") as data:
        return (data["x_train"], data["y_train"]), (data["x_test"], data["y_test"])


def train(seed: int, batch_size: int, x_train, y_train, x_test, y_test) -> dict:
    """One run of 784-128-10; x (n, 28, 28) float32, y (n,) uint8."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x_train, y_train, batch_size=batch_size, epochs=EPOCHS, verbose=0)
    result = model.evaluate(x_test, y_test, batch_size=batch_size, verbose=0, return_dict=True)
    return {**result, "train_loss": history.history["loss"]}
