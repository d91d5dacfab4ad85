"""fastnn, by `model.fit`. "bf16" is `set_matmul_precision("medium")`; other modes leave one choice
out: its own threads, its instruction set, the optimizer within the product that makes a gradient,
many steps in one native run."""

from __future__ import annotations

import os

from fitting import model_of, prepare
from protocol import options, serve
from task import task_of, telling

chosen = options()
if chosen.mode in ("avx2", "generic"):
    os.environ["FASTNN_ISA"] = chosen.mode

import numpy as np  # noqa: E402  (after the options have bound the process to its CPUs)

import fastnn  # noqa: E402
from fastnn import keras  # noqa: E402


def with_gradients(model):
    """`fit` of a trainer that writes every gradient to memory."""
    loss = "sparse_categorical_crossentropy"
    return fastnn.Trainer(model, "adam", loss, keep_gradients=True).fit


def step_by_step(case: str):
    """An epoch as a loop over `train_on_batch`."""
    task = task_of(case, chosen)
    model = model_of(keras, task)
    random = np.random.default_rng(chosen.seed)

    def epoch() -> float:
        order = random.permutation(len(task.x)).reshape(-1, task.batch)
        return np.mean([model.train_on_batch(task.x[rows], task.y[rows]) for rows in order])

    return telling(epoch)


fastnn.set_num_threads(1 if chosen.mode == "one thread" else chosen.threads)
fastnn.set_matmul_precision("medium" if chosen.mode == "bf16" else "highest")
make = {
    "gradients in memory": lambda case: prepare(keras, case, chosen, fit_of=with_gradients),
    "a call for each step": step_by_step,
}.get(chosen.mode, lambda case: prepare(keras, case, chosen))
versions = {"fastnn": f"{fastnn.__version__} ({fastnn.info()['isa']})"}
serve(make, versions, chosen.threads)
