"""Layers: parameters and configuration; their `call` emits ops and holds no arithmetic."""

from __future__ import annotations

from .activation import Activation
from .dense import Dense
from .dropout import Dropout
from .elu import ELU
from .flatten import Flatten
from .input_layer import Input, InputLayer
from .layer import Layer
from .leaky_relu import LeakyReLU
from .registry import deserialize, serialize
from .relu import ReLU
from .rescaling import Rescaling
from .reshape import Reshape
from .softmax import Softmax

__all__ = [
    "Activation",
    "Dense",
    "Dropout",
    "ELU",
    "Flatten",
    "Input",
    "InputLayer",
    "Layer",
    "LeakyReLU",
    "ReLU",
    "Rescaling",
    "Reshape",
    "Softmax",
    "deserialize",
    "serialize",
]
