"""Initial values of weights: names, arguments and distributions of `keras.initializers`.

An initializer is called with a shape and gives a float32 array. Random ones own a seed, given or
drawn from `fastnn.utils.next_seed()`, and give the same values each time they are called, so that
`set_random_seed` makes a model reproducible in any process. (The numbers are not Keras'.)
"""

from __future__ import annotations

import numpy as np

from .constant import Constant, Identity, Ones, Zeros
from .initializer import Initializer, deserialize, registry, serialize
from .orthogonal import Orthogonal
from .random import RandomNormal, RandomUniform, TruncatedNormal
from .variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)


def get(identifier):
    """An initializer from None, a name, a class, a config, a callable `f(shape, dtype)`, or an
    array of the values themselves.

    Raises:
        ValueError: there is no such initializer.
    """
    return Constant(identifier) if isinstance(identifier, np.ndarray) else registry.get(identifier)


# Keras has each under two names.
constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]
