"""The founding network in Keras on TensorFlow, by `model.fit`, in each mode that may be fastest."""

from __future__ import annotations

import os

from founding import work
from protocol import options

MODES = {
    "fit": {},  # jit_compile="auto": on a CPU, no
    "jit": {"jit_compile": True},
    "steps": {"steps_per_execution": 67},  # 7 executions make the 469 steps of batch 128
    "steps+jit": {"steps_per_execution": 67, "jit_compile": True},
}

chosen = options()
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402  (after the options have bound the process to its CPUs)
import tensorflow as tf  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(chosen.threads)
work(
    keras,
    chosen,
    {"keras": keras.__version__, "tensorflow": tf.__version__},
    **MODES[chosen.mode],
)
