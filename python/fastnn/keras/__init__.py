"""The drop-in namespace: fastnn under Keras' names, and no code of its own.

`s/tensorflow.keras/fastnn.keras/` ports a program.
"""

from fastnn.dtype_policies import DTypePolicy
from fastnn.layers import Input, Layer
from fastnn.losses import Loss
from fastnn.metrics import Metric
from fastnn.models import Model, Sequential
from fastnn.optimizers import Optimizer

from . import (
    activations,
    backend,
    callbacks,
    config,
    datasets,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    optimizers,
    regularizers,
    utils,
)

__all__ = [
    "DTypePolicy",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Sequential",
    "activations",
    "backend",
    "callbacks",
    "config",
    "datasets",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "optimizers",
    "regularizers",
    "utils",
]
