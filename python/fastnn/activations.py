"""Activation functions: they emit ops on symbolic tensors, and compute at once on arrays.

Names, arguments and defaults are those of `keras.activations`. Each takes x of any shape and
returns float values of the same shape.
"""

from __future__ import annotations

from collections.abc import Callable

from fastnn import ops
from fastnn.utils.arguments import check_number, floats
from fastnn.utils.registry import Registry

registry = Registry("activation function", None, "keras.activations")


@registry.add
def linear(x):
    """x itself."""
    return x


@registry.add
def relu(x, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0):
    """x where threshold < x, cut at max_value; negative_slope * (x - threshold) below."""
    if max_value is None and threshold == 0:
        if negative_slope == 0:
            return ops.relu(floats(x))
        return ops.leaky_relu(floats(x), alpha=negative_slope)
    limit = float("inf") if max_value is None else max_value
    return ops.clipped_relu(
        floats(x), negative_slope=negative_slope, max_value=limit, threshold=threshold
    )


@registry.add
def relu6(x):
    """min(max(x, 0), 6)."""
    return relu(x, max_value=6.0)


@registry.add
def leaky_relu(x, negative_slope: float = 0.2):
    """x where x > 0, negative_slope * x elsewhere. (Maas et al., 2013)"""
    return ops.leaky_relu(floats(x), alpha=negative_slope)


@registry.add
def elu(x, alpha: float = 1.0):
    """x where x > 0, alpha * (e^x - 1) elsewhere. (Clevert et al., 2015)"""
    return ops.elu(floats(x), alpha=check_number("elu", "alpha", alpha))


@registry.add
def selu(x):
    """scale * elu(x, alpha) with the two constants of Klambauer et al., 2017."""
    return ops.selu(floats(x))


@registry.add
def gelu(x, approximate: bool = False):
    """x P(X <= x) for a standard normal X; `approximate` takes the tanh form. (Hendrycks, 2016)"""
    return ops.gelu_tanh(floats(x)) if approximate else ops.gelu(floats(x))


def silu(x):
    """x * sigmoid(x), also called swish. (Ramachandran et al., 2017)"""
    return ops.silu(floats(x))


swish = registry.add(silu, "swish")


@registry.add
def sigmoid(x):
    """1 / (1 + e^-x)."""
    return ops.sigmoid(floats(x))


@registry.add
def tanh(x):
    """The hyperbolic tangent."""
    return ops.tanh(floats(x))


@registry.add
def softplus(x):
    """log(1 + e^x)."""
    return ops.softplus(floats(x))


@registry.add
def softsign(x):
    """x / (1 + |x|)."""
    x = floats(x)
    return ops.divide(x, ops.affine(ops.abs(x), scale=1.0, shift=1.0))


@registry.add
def exponential(x):
    """e^x."""
    return ops.exp(floats(x))


@registry.add
def log_sigmoid(x):
    """log(sigmoid(x))."""
    return ops.affine(ops.softplus(ops.affine(floats(x), scale=-1.0)), scale=-1.0)


@registry.add
def hard_sigmoid(x):
    """relu6(x + 3) / 6."""
    return ops.clip(ops.affine(floats(x), scale=1 / 6, shift=0.5), low=0.0, high=1.0)


def hard_silu(x):
    """x * hard_sigmoid(x), also called hard swish."""
    x = floats(x)
    return ops.multiply(x, hard_sigmoid(x))


hard_swish = registry.add(hard_silu, "hard_swish")


@registry.add
def hard_tanh(x):
    """x cut to [-1, 1]."""
    return ops.clip(floats(x), low=-1.0, high=1.0)


@registry.add
def mish(x):
    """x * tanh(softplus(x)). (Misra, 2019)"""
    x = floats(x)
    return ops.multiply(x, ops.tanh(ops.softplus(x)))


@registry.add
def softmax(x, axis: int = -1):
    """e^x divided by its sum along `axis`."""
    return ops.softmax(floats(x), axis=axis)


@registry.add
def log_softmax(x, axis: int = -1):
    """log(softmax(x))."""
    return ops.log_softmax(floats(x), axis=axis)


def get(identifier) -> Callable:
    """The function for None (linear), a name as above (case matters), a config, or a callable.

    Raises:
        ValueError: there is no such activation.
    """
    return linear if identifier is None else registry.get(identifier)


def serialize(activation) -> str:
    """The name of an activation of this module.

    Raises:
        ValueError: the function is not from this module, so that a file could not name it.
    """
    name = getattr(activation, "__name__", None)
    if name not in __all__ or globals()[name] is not activation:
        raise ValueError(
            f"{activation!r} cannot be saved: only the functions of fastnn.activations have a name "
            "that a file can hold."
        )
    return name


def deserialize(name: str) -> Callable:
    """The function that `serialize` named."""
    return get(name)


__all__ = [
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]
