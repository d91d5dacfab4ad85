"""Every loss: as a string and as a class, from logits and not, each reduction, sample weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.keras_parity.cases import CLASSES, Case

HIDDEN = 17


def case(
    option: str,
    loss: str | Callable[[Any], Any],
    targets: str,
    output: str = "linear",
    rate: float = 0.05,
    units: int = CLASSES,
    shielded: bool = False,
    **fields: Any,
) -> Case:
    """A tanh network that ends in the activation `output` and is trained on the loss.

    loss: a string, or a function of k.losses. shielded: a Reshape after the output, so that the
    crossentropies cannot reach the logits and compute from the probabilities.
    """

    def layers(k: Any) -> list:
        ends = [k.layers.Reshape((units,))] if shielded else []
        return [k.layers.Dense(HIDDEN, "tanh"), k.layers.Dense(units, output), *ends]

    def make(k: Any) -> Any:
        return loss if isinstance(loss, str) else loss(k.losses)

    def optimizer(k: Any) -> Any:
        return k.optimizers.SGD(learning_rate=rate)

    return Case(f"loss/{option}", layers, make, optimizer, targets=targets, **fields)


SPARSE = [
    case("sparse", "sparse_categorical_crossentropy", "classes", "softmax"),
    case(
        "sparse_function",
        lambda losses: losses.sparse_categorical_crossentropy,
        "classes",
        "softmax",
        twin="loss/sparse",
    ),
    case(
        "sparse_logits",
        lambda losses: losses.SparseCategoricalCrossentropy(from_logits=True),
        "classes",
        twin="loss/sparse",
    ),
    case(
        "sparse_log_softmax",
        lambda losses: losses.SparseCategoricalCrossentropy(from_logits=True),
        "classes",
        "log_softmax",
        twin="loss/sparse",
    ),
    case(
        "sparse_shielded",
        "sparse_categorical_crossentropy",
        "classes",
        "softmax",
        shielded=True,
        twin="loss/sparse",
    ),
    case(
        "sparse_of_sigmoid", "sparse_categorical_crossentropy", "classes", "sigmoid", shielded=True
    ),
    case(
        "sparse_ignore",
        lambda losses: losses.SparseCategoricalCrossentropy(ignore_class=2),
        "classes",
        "softmax",
    ),
    case(
        "sparse_ignore_minus_one",
        lambda losses: losses.SparseCategoricalCrossentropy(ignore_class=-1),
        "classes_or_minus_one",
        "softmax",
        weighted=True,
    ),
    case("sparse_weighted", "sparse_categorical_crossentropy", "classes", "softmax", weighted=True),
    case(
        "sparse_sum",
        lambda losses: losses.SparseCategoricalCrossentropy(reduction="sum"),
        "classes",
        "softmax",
        rate=0.01,
    ),
    case(
        "sparse_none",
        lambda losses: losses.SparseCategoricalCrossentropy(reduction=None),
        "classes",
        "softmax",
        rate=0.005,
    ),
    case(
        "sparse_weighted_mean",
        lambda losses: losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight"),
        "classes",
        "softmax",
        weighted=True,
    ),
]

CATEGORICAL = [
    case("categorical", "categorical_crossentropy", "distribution", "softmax"),
    case(
        "categorical_logits",
        lambda losses: losses.CategoricalCrossentropy(from_logits=True),
        "distribution",
        twin="loss/categorical",
    ),
    case(
        "categorical_shielded",
        "categorical_crossentropy",
        "distribution",
        "softmax",
        shielded=True,
        twin="loss/categorical",
    ),
    case(
        "categorical_of_sigmoid",
        "categorical_crossentropy",
        "distribution",
        "sigmoid",
        shielded=True,
    ),
    case(
        "categorical_smoothed",
        lambda losses: losses.CategoricalCrossentropy(label_smoothing=0.2),
        "one_hot",
        "softmax",
    ),
    case(
        "categorical_smoothed_shielded",
        lambda losses: losses.CategoricalCrossentropy(label_smoothing=0.2),
        "one_hot",
        "softmax",
        shielded=True,
        weighted=True,
    ),
]

BINARY = [
    case("binary", "binary_crossentropy", "bits", "sigmoid"),
    case(
        "binary_logits",
        lambda losses: losses.BinaryCrossentropy(from_logits=True),
        "bits",
        twin="loss/binary",
    ),
    case(
        "binary_shielded",
        "binary_crossentropy",
        "bits",
        "sigmoid",
        shielded=True,
        twin="loss/binary",
    ),
    case(
        "binary_smoothed",
        lambda losses: losses.BinaryCrossentropy(label_smoothing=0.3),
        "bits",
        "sigmoid",
        weighted=True,
    ),
    case(
        "binary_smoothed_shielded",
        lambda losses: losses.BinaryCrossentropy(label_smoothing=0.3),
        "bits",
        "sigmoid",
        shielded=True,
    ),
    case("binary_row", "binary_crossentropy", "bit", "sigmoid", units=1),
    case("binary_column", "binary_crossentropy", "bit_column", "sigmoid", units=1),
]

REGRESSION = [
    case("mse", "mse", "numbers"),
    case("mse_class", lambda losses: losses.MeanSquaredError(), "numbers", twin="loss/mse"),
    case("mse_weighted", "mean_squared_error", "numbers", weighted=True),
    case("mse_sum", lambda losses: losses.MeanSquaredError(reduction="sum"), "numbers", rate=0.002),
    case("mse_row", "mse", "number", units=1),
    case("mae", "mae", "numbers"),
    case("mae_weighted", lambda losses: losses.MeanAbsoluteError(), "numbers", weighted=True),
    case("huber", "huber", "numbers"),
    case("huber_delta", lambda losses: losses.Huber(delta=0.4), "numbers"),
    case("log_cosh", "log_cosh", "numbers"),
    case("log_cosh_weighted", lambda losses: losses.LogCosh(), "numbers", weighted=True),
]

REST = [
    case("kl_divergence", "kl_divergence", "distribution", "softmax", twin="loss/categorical"),
    case(
        "kl_weighted",
        lambda losses: losses.KLDivergence(),
        "distribution",
        "sigmoid",
        weighted=True,
    ),
    case("poisson", "poisson", "counts", "softplus"),
    case("poisson_weighted", lambda losses: losses.Poisson(), "counts", "softplus", weighted=True),
    case("hinge_bits", "hinge", "bits"),
    case("hinge_signs", lambda losses: losses.Hinge(), "signs", weighted=True),
    case("hinge_tanh", "hinge", "signs", "tanh"),
]

CASES = SPARSE + CATEGORICAL + BINARY + REGRESSION + REST
