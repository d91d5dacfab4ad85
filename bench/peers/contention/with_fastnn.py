"""fastnn: what `model.fit` runs."""

from __future__ import annotations

from protocol import options

chosen = options()

from rivals import data, work  # noqa: E402  (after the process is bound to its CPUs)

import fastnn  # noqa: E402
from fastnn import keras  # noqa: E402

fastnn.set_num_threads(chosen.threads)
x, y = data(chosen.steps["fastnn"])
model = keras.Sequential(
    [
        keras.Input((784,)),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy")
versions = {"fastnn": f"{fastnn.__version__} ({fastnn.info()['isa']})"}
work(lambda: model.fit(x, y, 128, verbose=0), "fastnn", versions, chosen)
