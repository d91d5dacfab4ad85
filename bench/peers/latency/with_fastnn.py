"""fastnn: NumPy array in, NumPy array out."""

from __future__ import annotations

from functools import partial

from protocol import options

chosen = options()

from network import Network, work  # noqa: E402  (after the process is bound to its CPUs)

import fastnn  # noqa: E402
from fastnn import keras  # noqa: E402

fastnn.set_num_threads(chosen.threads)


def make(network: Network):
    layers = [keras.layers.Dense(size, "relu") for size in network.sizes[1:-1]]
    layers.append(keras.layers.Dense(network.sizes[-1], "softmax"))
    model = keras.Sequential([keras.Input((network.sizes[0],)), *layers])
    model.set_weights([array for pair in network.weights for array in pair])
    return {
        "compiled": partial(fastnn.compile(model), network.x),
        "call": partial(model, network.x),
        "predict": partial(model.predict, network.x, verbose=0),
        "predict_auto": partial(model.predict, network.x),
    }[chosen.mode]


work(make, {"fastnn": f"{fastnn.__version__} ({fastnn.info()['isa']})"}, chosen)
