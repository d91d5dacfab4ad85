"""Every activation, regularizer and layer in a small Dense network under plain gradient descent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.keras_parity.cases import CLASSES, Case

HIDDEN = 17


def sgd(rate: float) -> Callable[[Any], Any]:
    return lambda k: k.optimizers.SGD(learning_rate=rate)


def crossentropy(k: Any) -> str:
    return "sparse_categorical_crossentropy"


def activation(option: str, hidden: Callable[[Any], list], rate: float = 0.1, **fields) -> Case:
    """`hidden` makes the layers between the input and the softmax."""

    def layers(k: Any) -> list:
        return [*hidden(k), k.layers.Dense(CLASSES, "softmax")]

    return Case(f"activation/{option}", layers, crossentropy, sgd(rate), **fields)


def dense(name: str | None) -> Callable[[Any], list]:
    return lambda k: [k.layers.Dense(HIDDEN, activation=name)]


def then(layer: Callable[[Any], Any]) -> Callable[[Any], list]:
    """A linear Dense, then the layer that `layer` makes."""
    return lambda k: [k.layers.Dense(HIDDEN), layer(k)]


def gelu_tanh(k: Any) -> Any:
    return k.layers.Activation(lambda x: k.activations.gelu(x, approximate=True))


NAMES = (
    "relu leaky_relu elu selu gelu silu sigmoid tanh softplus linear softmax log_softmax".split()
)

ACTIVATIONS = [
    *(activation(name, dense(name)) for name in NAMES),
    activation("exponential", dense("exponential"), rate=0.001),
    activation("none", dense(None), twin="activation/linear"),
    activation("swish", dense("swish"), twin="activation/silu"),
    activation("gelu_tanh", then(gelu_tanh)),
    activation(
        "activation_layer", then(lambda k: k.layers.Activation("silu")), twin="activation/silu"
    ),
    activation("relu_layer", then(lambda k: k.layers.ReLU()), twin="activation/relu"),
    activation(
        "relu_clipped",
        then(lambda k: k.layers.ReLU(max_value=1.5, negative_slope=0.2, threshold=0.4)),
    ),
    activation("leaky_relu_layer", then(lambda k: k.layers.LeakyReLU())),
    activation("leaky_relu_slope", then(lambda k: k.layers.LeakyReLU(negative_slope=0.05))),
    activation("elu_alpha", then(lambda k: k.layers.ELU(alpha=0.6))),
    activation("softmax_layer", then(lambda k: k.layers.Softmax()), twin="activation/softmax"),
]


def regularized(option: str, make: Callable[[Any], dict]) -> Case:
    """A tanh network whose hidden layer has the regularizers that `make` gives."""

    def layers(k: Any) -> list:
        return [
            k.layers.Dense(HIDDEN, activation="tanh", **make(k.regularizers)),
            k.layers.Dense(CLASSES, activation="softmax"),
        ]

    return Case(f"regularizer/{option}", layers, crossentropy, sgd(0.1))


REGULARIZERS = [
    regularized("none", lambda r: {}),
    regularized("l1", lambda r: {"kernel_regularizer": r.L1(0.02)}),
    regularized("l2", lambda r: {"kernel_regularizer": r.L2(0.05)}),
    regularized("l2_string", lambda r: {"kernel_regularizer": "l2"}),
    regularized("l1_l2", lambda r: {"kernel_regularizer": r.L1L2(l1=0.02, l2=0.05)}),
    regularized("bias", lambda r: {"bias_regularizer": r.L2(0.5)}),
    regularized("activity", lambda r: {"activity_regularizer": r.L2(0.1)}),
    regularized("rows", lambda r: {"kernel_regularizer": r.OrthogonalRegularizer(0.5)}),
    regularized(
        "columns", lambda r: {"kernel_regularizer": r.OrthogonalRegularizer(0.5, mode="columns")}
    ),
]


def layered(option: str, layers: Callable[[Any], list], **fields: Any) -> Case:
    return Case(f"layer/{option}", layers, crossentropy, sgd(0.1), **fields)


def small(k: Any) -> list:
    return [k.layers.Dense(HIDDEN, activation="tanh"), k.layers.Dense(CLASSES, "softmax")]


def frozen(k: Any) -> list:
    first, last = small(k)
    first.trainable = False
    return [first, last]


def rescaled(k: Any) -> list:
    return [k.layers.Rescaling(1 / 64, offset=-2.0), k.layers.Flatten(), *small(k)]


def founding(k: Any) -> list:
    return [
        k.layers.Rescaling(1 / 255),
        k.layers.Flatten(),
        k.layers.Dense(128, activation="relu"),
        k.layers.Dense(10, activation="softmax"),
    ]


LAYERS = [
    layered("doubles", small, inputs="doubles"),
    layered("integers", small, inputs="integers"),
    layered("labels_u8", small, targets="classes_u8"),
    layered("labels_column", small, targets="classes_column"),
    layered("flatten", lambda k: [k.layers.Flatten(), *small(k)], inputs="planes"),
    layered(
        "reshape",
        lambda k: [
            k.layers.Reshape((5, -1)),
            k.layers.Dense(4, "tanh"),
            k.layers.Flatten(),
            *small(k),
        ],
        inputs="planes",
    ),
    layered(
        "softmax_axis",
        lambda k: [k.layers.Dense(4), k.layers.Softmax(axis=1), k.layers.Flatten(), *small(k)],
        inputs="planes",
    ),
    layered("rescaling", rescaled, inputs="images"),
    layered("dropout_off", lambda k: [k.layers.Dropout(0.0), *small(k)]),
    layered("no_bias", lambda k: [k.layers.Dense(HIDDEN, "tanh", use_bias=False), small(k)[1]]),
    layered("frozen", frozen),
    layered(
        "deep",
        lambda k: [k.layers.Dense(width, "elu") for width in (33, 16, 9, 1, 8)] + small(k),
    ),
    Case("layer/founding", founding, crossentropy, lambda k: "adam", inputs="images"),
]

CASES = ACTIVATIONS + REGULARIZERS + LAYERS
