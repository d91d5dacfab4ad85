"""Every optimizer: as it comes, and with every option away from its default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.keras_parity.cases import CLASSES, Case

HIDDEN = 17


def layers(k: Any) -> list:
    return [k.layers.Dense(HIDDEN, activation="tanh"), k.layers.Dense(CLASSES, "softmax")]


def loss(k: Any) -> str:
    return "sparse_categorical_crossentropy"


def case(option: str, optimizer: Callable[[Any], Any], **fields: Any) -> Case:
    return Case(f"optimizer/{option}", layers, loss, optimizer, **fields)


def named(name: str, **options: Any) -> Callable[[Any], Any]:
    """A function of k that makes k.optimizers.<name>(**options)."""
    return lambda k: getattr(k.optimizers, name)(**options)


def scheduled(name: str, schedule: str, *arguments: Any, **options: Any) -> Callable[[Any], Any]:
    """The optimizer `name` with the schedule as its learning rate."""

    def make(k: Any) -> Any:
        rate = getattr(k.optimizers.schedules, schedule)(*arguments, **options)
        return getattr(k.optimizers, name)(learning_rate=rate)

    return make


def without_bias_decay(k: Any) -> Any:
    optimizer = k.optimizers.AdamW(learning_rate=0.01, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


DEFAULTS = [
    case(name.lower(), named(name))
    for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adamax", "Nadam")
]

# Adadelta's default learning rate moves a weight by about 1e-6; small weights keep that visible
# above their rounding.
DEFAULTS.append(case("adadelta", named("Adadelta"), scale=2.0**-8))

OPTIONS = [
    case("sgd_rate", named("SGD", learning_rate=0.1)),
    case("sgd_string", lambda k: "SGD", twin="optimizer/sgd"),
    case("sgd_momentum", named("SGD", learning_rate=0.1, momentum=0.8)),
    case("sgd_nesterov", named("SGD", learning_rate=0.1, momentum=0.8, nesterov=True)),
    case("sgd_decay", named("SGD", learning_rate=0.1, weight_decay=0.05)),
    case("sgd_clipnorm", named("SGD", learning_rate=0.1, clipnorm=0.3)),
    case("sgd_clipvalue", named("SGD", learning_rate=0.1, clipvalue=0.03)),
    case("sgd_global_clipnorm", named("SGD", learning_rate=0.1, global_clipnorm=0.5)),
    case("sgd_rate_changed", named("SGD", learning_rate=0.1), learning_rates={5: 0.02, 12: 0.3}),
    case("adam_betas", named("Adam", learning_rate=0.01, beta_1=0.7, beta_2=0.8)),
    case("adam_epsilon", named("Adam", learning_rate=0.01, beta_1=0.7, beta_2=0.8, epsilon=0.01)),
    case("adam_amsgrad", named("Adam", learning_rate=0.01, beta_1=0.7, beta_2=0.8, amsgrad=True)),
    case("adam_decay", named("Adam", learning_rate=0.01, weight_decay=0.2)),
    case("adam_clipnorm", named("Adam", learning_rate=0.01, beta_2=0.8, clipnorm=0.3)),
    case("adam_clipvalue", named("Adam", learning_rate=0.01, beta_2=0.8, clipvalue=0.03)),
    case(
        "adam_global_clipnorm", named("Adam", learning_rate=0.01, beta_2=0.8, global_clipnorm=1.0)
    ),
    case("adamw_rate", named("AdamW", learning_rate=0.01, weight_decay=0.5)),
    case("adamw_bias_free", without_bias_decay),
    case(
        "adamw_amsgrad",
        named("AdamW", learning_rate=0.01, weight_decay=0.5, beta_2=0.8, amsgrad=True),
    ),
    case("rmsprop_rho", named("RMSprop", learning_rate=0.01, rho=0.6)),
    case("rmsprop_epsilon", named("RMSprop", learning_rate=0.01, rho=0.6, epsilon=1e-3)),
    case("rmsprop_momentum", named("RMSprop", learning_rate=0.01, rho=0.6, momentum=0.7)),
    case(
        "rmsprop_centered",
        named("RMSprop", learning_rate=0.01, rho=0.9, centered=True, epsilon=1e-4),
    ),
    case(
        "rmsprop_centered_momentum",
        named("RMSprop", learning_rate=0.01, momentum=0.7, centered=True, epsilon=1e-4),
    ),
    case("rmsprop_decay", named("RMSprop", learning_rate=0.01, weight_decay=0.2)),
    case("adagrad_start", named("Adagrad", learning_rate=0.05, initial_accumulator_value=0.01)),
    case("adagrad_epsilon", named("Adagrad", learning_rate=0.05, epsilon=0.05)),
    case("adagrad_decay", named("Adagrad", learning_rate=0.05, weight_decay=0.2)),
    case("adadelta_rate", named("Adadelta", learning_rate=1.0, epsilon=1e-4)),
    case("adadelta_rho", named("Adadelta", learning_rate=1.0, rho=0.7, epsilon=1e-4)),
    case("adadelta_decay", named("Adadelta", learning_rate=1.0, epsilon=1e-4, weight_decay=0.01)),
    case("adamax_betas", named("Adamax", learning_rate=0.01, beta_1=0.7, beta_2=0.8)),
    case(
        "adamax_epsilon",
        named("Adamax", learning_rate=0.01, beta_1=0.7, beta_2=0.8, epsilon=0.01),
    ),
    case("adamax_decay", named("Adamax", learning_rate=0.01, weight_decay=0.2)),
    case("nadam_betas", named("Nadam", learning_rate=0.01, beta_1=0.7, beta_2=0.8)),
    case(
        "nadam_epsilon",
        named("Nadam", learning_rate=0.01, beta_1=0.7, beta_2=0.8, epsilon=0.01),
    ),
    case("nadam_decay", named("Nadam", learning_rate=0.01, weight_decay=0.2)),
]

SCHEDULES = [
    case("sgd_exponential", scheduled("SGD", "ExponentialDecay", 0.1, 5, 0.5)),
    case("sgd_staircase", scheduled("SGD", "ExponentialDecay", 0.1, 5, 0.5, staircase=True)),
    case("sgd_inverse_time", scheduled("SGD", "InverseTimeDecay", 0.1, 5, 0.5)),
    case("sgd_piecewise", scheduled("SGD", "PiecewiseConstantDecay", [4, 11], [0.1, 0.03, 0.2])),
    case("sgd_polynomial", scheduled("SGD", "PolynomialDecay", 0.1, 12, 0.01, power=2.0)),
    case("adam_cosine", scheduled("Adam", "CosineDecay", 0.02, 15, alpha=0.1)),
    case(
        "adam_warmup",
        scheduled("Adam", "CosineDecay", 0.001, 15, warmup_target=0.02, warmup_steps=6),
    ),
    case(
        "adamw_restarts",
        scheduled("AdamW", "CosineDecayRestarts", 0.02, 4, t_mul=1.5, m_mul=0.8, alpha=0.05),
    ),
]

CASES = DEFAULTS + OPTIONS + SCHEDULES
