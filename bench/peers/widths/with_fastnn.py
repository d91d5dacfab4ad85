"""fastnn: "one" is `set_num_threads(1)`."""

from __future__ import annotations

from protocol import options, serve

chosen = options()

from task import task_of  # noqa: E402  (after the process is bound to its CPUs)

import fastnn  # noqa: E402
from fastnn import keras  # noqa: E402

fastnn.utils.set_random_seed(chosen.seed)  # other weights, other zeros behind relu
if chosen.mode == "one":
    fastnn.set_num_threads(1)


def prepare(case: str):
    task = task_of(case)
    layers = [keras.layers.Dense(task.width, "relu") for _ in "ab"]
    model = keras.Sequential([keras.Input((task.width,)), *layers, keras.layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    if task.kind == "train":
        trainer = fastnn.Trainer(
            model, "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        return lambda: trainer.train_rows(task.x, task.y, batch_size=task.batch)
    return lambda: model.predict(task.x, batch_size=task.batch, verbose=0)


serve(prepare, {"fastnn": f"{fastnn.__version__} ({fastnn.info()['isa']})"}, chosen.threads)
