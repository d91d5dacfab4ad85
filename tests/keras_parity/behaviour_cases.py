"""What `fit`, `evaluate` and `predict` do with data, as programs that run on either namespace `k`.

Each scenario returns something that JSON can hold. Nothing shuffles and all first weights are
given, so every number is comparable.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.keras_parity.cases import grid

ROWS, FEATURES, CLASSES = 27, 6, 3
_rng = np.random.RandomState(7)
X = grid(_rng, 2, (ROWS, FEATURES))
LABELS = _rng.randint(0, CLASSES, ROWS)
ONE_HOT = np.eye(CLASSES, dtype=np.float32)[LABELS]
NUMBERS = grid(_rng, 2, (ROWS, 1))
BITS = _rng.randint(0, 2, ROWS)
WEIGHTS = (_rng.randint(0, 9, ROWS) / 4).astype(np.float32)

Scenario = Callable[[Any], Any]
SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    SCENARIOS[function.__name__] = function
    return function


def network(k: Any, units: int = CLASSES, output: str = "softmax") -> Any:
    """6-8-units with given weights, not compiled."""
    model = k.Sequential(
        [k.Input((FEATURES,)), k.layers.Dense(8, "relu"), k.layers.Dense(units, output)]
    )
    rng = np.random.RandomState(8)
    model.set_weights([grid(rng, 0.6, weight.shape) for weight in model.get_weights()])
    return model


def classifier(k: Any, **options: Any) -> Any:
    model = network(k)
    rate = k.optimizers.SGD(learning_rate=0.1)
    model.compile(rate, "sparse_categorical_crossentropy", **options)
    return model


def record(model: Any, x: Any, y: Any = None, **options: Any) -> dict:
    """One quiet `fit` without shuffling: its history, epochs and parameters, and the weights."""
    options = {"batch_size": 8, "epochs": 3, "verbose": 0, "shuffle": False} | options
    if y is None:
        del options["batch_size"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of what it ignores
        history = model.fit(x, y, **options)
    return {
        "history": history.history,
        "epoch": history.epoch,
        "params": history.params,
        "weights": [weight.tolist() for weight in model.get_weights()],
    }


@scenario
def plain(k):
    return record(classifier(k, metrics=["accuracy"]), X, LABELS)


@scenario
def default_batch_size(k):
    return record(classifier(k), X, LABELS, batch_size=None)


@scenario
def one_batch(k):
    return record(classifier(k), X, LABELS, batch_size=1000)


@scenario
def validation_split(k):
    model = classifier(k, metrics=["acc"], weighted_metrics=["accuracy"])
    return record(model, X, LABELS, validation_split=0.3, sample_weight=WEIGHTS)


@scenario
def validation_data(k):
    model = classifier(k, metrics=["accuracy"], weighted_metrics=["accuracy"])
    validation = (X[::-1], LABELS, WEIGHTS)
    return record(model, X, LABELS, validation_data=validation, validation_batch_size=5)


@scenario
def validation_every_second_epoch(k):
    validation = (X, LABELS)
    return record(classifier(k), X, LABELS, epochs=5, validation_data=validation, validation_freq=2)


@scenario
def validation_in_listed_epochs(k):
    options = {"validation_data": (X, LABELS), "validation_freq": [1, 4]}
    return record(classifier(k), X, LABELS, epochs=4, **options)


@scenario
def sample_weight(k):
    model = classifier(k, metrics=["accuracy"], weighted_metrics=["accuracy"])
    return record(model, X, LABELS, sample_weight=WEIGHTS)


@scenario
def class_weight(k):
    model = classifier(k, metrics=["accuracy"], weighted_metrics=["accuracy"])
    return record(model, X, LABELS, class_weight={0: 2.0, 2: 0.25})


@scenario
def class_weight_one_hot(k):
    model = network(k)
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    return record(model, X, ONE_HOT, class_weight={0: 2.0, 1: 0.5})


@scenario
def initial_epoch(k):
    return record(classifier(k), X, LABELS, initial_epoch=3, epochs=5)


@scenario
def nothing_left_to_do(k):
    return record(classifier(k), X, LABELS, initial_epoch=5, epochs=5)


@scenario
def regularized_history(k):
    """The losses in the history, and those of `evaluate`, include the penalties."""
    model = k.Sequential(
        [k.Input((FEATURES,)), k.layers.Dense(2, kernel_regularizer=k.regularizers.L2(0.1))]
    )
    model.set_weights([grid(np.random.RandomState(1), 1, (FEATURES, 2)), np.zeros(2, "float32")])
    model.compile("sgd", "mse", metrics=["mse"])
    target = np.concatenate([NUMBERS, -NUMBERS], axis=1)
    result = record(model, X, target, validation_data=(X, target))
    return result | {"evaluate": model.evaluate(X, target, batch_size=8, verbose=0)}


@scenario
def row_and_column_targets(k):
    results = []
    for target in (NUMBERS, NUMBERS[:, 0], BITS, BITS[:, None]):
        model = network(k, 1, "sigmoid")
        model.compile("sgd", "mse", metrics=["accuracy", "mae"])
        results.append(record(model, X, target, validation_data=(X, target)))
    return results


@scenario
def dtypes(k):
    inputs = [X.astype("float64"), (4 * X).astype("int64"), (20 * X).clip(0).astype("uint8"), X > 0]
    labels = [LABELS.astype(kind) for kind in ("int32", "uint8", "float32", "int64")]
    return [
        record(classifier(k, metrics=["accuracy"]), x, y)
        for x, y in zip(inputs, labels, strict=True)
    ]


@scenario
def generator(k):
    def batches():
        for start in range(0, ROWS, 8):
            yield X[start : start + 8], LABELS[start : start + 8], WEIGHTS[start : start + 8]

    return record(classifier(k, metrics=["accuracy"]), batches(), epochs=1)


@scenario
def endless_generator(k):
    def batches():
        while True:
            for start in range(0, ROWS, 8):
                yield X[start : start + 8], LABELS[start : start + 8]

    return record(classifier(k, metrics=["accuracy"]), batches(), epochs=3, steps_per_epoch=3)


@scenario
def py_dataset(k):
    class Batches(k.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            rows = slice(8 * index, 8 * index + 8)
            return X[rows], LABELS[rows]

    model = classifier(k, metrics=["accuracy"])
    result = record(model, Batches(), validation_data=Batches(), class_weight={1: 3.0})
    result["evaluate"] = model.evaluate(Batches(), verbose=0)
    result["predict"] = model.predict(Batches(), verbose=0).tolist()
    return result


@scenario
def evaluate_and_predict(k):
    weighted = ["sparse_categorical_crossentropy"]
    model = classifier(k, metrics=["accuracy"], weighted_metrics=weighted)
    bare = classifier(k)
    return {
        "list": model.evaluate(X, LABELS, batch_size=8, verbose=0),
        "dict": model.evaluate(X, LABELS, 8, 0, WEIGHTS, return_dict=True),
        "loss": bare.evaluate(X, LABELS, batch_size=8, verbose=0),
        "predict": model.predict(X, batch_size=8, verbose=0).tolist(),
        "predict_on_batch": model.predict_on_batch(X[:5]).tolist(),
    }


@scenario
def on_batch(k):
    """The figures are the batch's own, not running ones; the loss is that before the update."""
    model = classifier(k, metrics=["accuracy"])
    return [
        model.train_on_batch(X[:8], LABELS[:8]),
        model.train_on_batch(X[8:16], LABELS[8:16], sample_weight=WEIGHTS[8:16]),
        model.train_on_batch(X[16:], LABELS[16:], class_weight={0: 3.0}, return_dict=True),
        model.test_on_batch(X[:8], LABELS[:8]),
        model.test_on_batch(X[:8], LABELS[:8], sample_weight=WEIGHTS[:8], return_dict=True),
        classifier(k).train_on_batch(X, LABELS),
    ]
