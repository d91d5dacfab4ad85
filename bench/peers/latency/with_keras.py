"""Keras on TensorFlow."""

from __future__ import annotations

import os
from functools import partial

from protocol import options

chosen = options()
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402  (after the process is bound to its CPUs)
import tensorflow as tf  # noqa: E402
from network import Network, work  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(chosen.threads)


def make(network: Network):
    layers = [keras.layers.Dense(size, "relu") for size in network.sizes[1:-1]]
    layers.append(keras.layers.Dense(network.sizes[-1], "softmax"))
    model = keras.Sequential([keras.Input((network.sizes[0],)), *layers])
    model.set_weights([array for pair in network.weights for array in pair])
    x = tf.constant(network.x)
    if chosen.mode == "function":
        compiled = tf.function(lambda x: model(x, training=False), jit_compile=True)
        return partial(compiled.get_concrete_function(x), x)
    return {
        "predict": partial(model.predict, network.x, verbose=0),
        "predict_on_batch": partial(model.predict_on_batch, network.x),
        "call": partial(model, x),
    }[chosen.mode]


work(make, {"keras": keras.__version__, "tensorflow": tf.__version__}, chosen)
