"""Keras on TensorFlow, by `model.fit`, 32 steps an execution, without XLA and with it."""

from __future__ import annotations

import os

from fitting import prepare
from protocol import options, serve

MODES = {
    "steps": {"steps_per_execution": 32},
    "steps+jit": {"steps_per_execution": 32, "jit_compile": True},
}

chosen = options()
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402  (after the options have bound the process to its CPUs)
import tensorflow as tf  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(chosen.threads)
serve(
    lambda case: prepare(keras, case, chosen, **MODES[chosen.mode]),
    {"keras": keras.__version__, "tensorflow": tf.__version__},
    chosen.threads,
)
