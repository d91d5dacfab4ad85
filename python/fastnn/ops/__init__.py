"""The operations: one file each, with its shape rule, its gradient rule and its NumPy reference.

Called on symbolic tensors an op records a node; called on arrays it runs at once, natively:

    y = ops.relu(x)                        # x: NumPy, or a tensor of a graph
    ops.add(a, b, out=y)

`registry` finds an op by name. `docs/add_an_op.md` shows how to add one.
"""

from __future__ import annotations

from ._activations import ACTIVATIONS
from ._op import Op, registry
from ._reductions import mean, sum
from .abs import abs
from .accumulate import accumulate
from .accumulate_confusion import accumulate_confusion
from .activation_grad_bias import activation_grad_bias
from .adadelta import adadelta
from .adagrad import adagrad
from .adam import adam
from .adamax import adamax
from .add import add
from .affine import affine
from .binary_accuracy import binary_accuracy
from .binary_crossentropy import binary_crossentropy, binary_crossentropy_grad
from .broadcast_axis import broadcast_axis
from .categorical_accuracy import categorical_accuracy
from .categorical_crossentropy import categorical_crossentropy, categorical_crossentropy_grad
from .check_finite import check_finite
from .clip import clip, clip_grad
from .clipped_relu import clipped_relu, clipped_relu_grad
from .copy import copy
from .divide import divide
from .dropout import dropout
from .elu import elu, elu_grad
from .exp import exp
from .fill import fill
from .gather import gather
from .gelu import gelu, gelu_grad
from .gelu_tanh import gelu_tanh, gelu_tanh_grad
from .half_squared_error import half_squared_error, half_squared_error_grad
from .heaviside import heaviside
from .hinge import hinge, hinge_grad
from .huber import huber, huber_grad
from .kl_divergence import kl_divergence, kl_divergence_grad
from .l1_l2 import l1_l2, l1_l2_grad
from .leaky_relu import leaky_relu, leaky_relu_grad
from .linear import linear
from .log import log
from .log_cosh import log_cosh, log_cosh_grad
from .log_softmax import log_softmax, log_softmax_grad
from .matmul import matmul
from .maximum import maximum
from .mean_absolute_error import mean_absolute_error, mean_absolute_error_grad
from .mean_squared_error import mean_squared_error, mean_squared_error_grad
from .minimum import minimum
from .multiply import multiply
from .nadam import nadam
from .norm_scale import norm_scale
from .one_hot import one_hot
from .poisson import poisson, poisson_grad
from .reduce_max import reduce_max
from .reduce_sum import reduce_sum
from .relu import relu, relu_grad
from .reshape import reshape
from .rmsprop import rmsprop
from .scatter_rows import scatter_rows
from .selu import selu, selu_grad
from .sgd import sgd
from .sigmoid import sigmoid, sigmoid_grad
from .sigmoid_crossentropy import sigmoid_crossentropy, sigmoid_crossentropy_grad
from .sign import sign
from .silu import silu, silu_grad
from .softmax import softmax, softmax_grad
from .softmax_crossentropy import softmax_crossentropy, softmax_crossentropy_grad
from .softplus import softplus, softplus_grad
from .sparse_categorical_accuracy import sparse_categorical_accuracy
from .sparse_categorical_crossentropy import (
    sparse_categorical_crossentropy,
    sparse_categorical_crossentropy_grad,
)
from .sparse_softmax_crossentropy import (
    sparse_softmax_crossentropy,
    sparse_softmax_crossentropy_grad,
)
from .sparse_top_k import sparse_top_k
from .sqrt import sqrt
from .square import square
from .square_sums import square_sums
from .subtract import subtract
from .tanh import tanh, tanh_grad
from .top_k import top_k
from .weighted_sum import weighted_sum, weighted_sum_grad

__all__ = [
    "ACTIVATIONS",
    "Op",
    "abs",
    "accumulate",
    "accumulate_confusion",
    "activation_grad_bias",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "add",
    "affine",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_crossentropy_grad",
    "broadcast_axis",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_crossentropy_grad",
    "check_finite",
    "clip",
    "clip_grad",
    "clipped_relu",
    "clipped_relu_grad",
    "copy",
    "divide",
    "dropout",
    "elu",
    "elu_grad",
    "exp",
    "fill",
    "gather",
    "gelu",
    "gelu_grad",
    "gelu_tanh",
    "gelu_tanh_grad",
    "half_squared_error",
    "half_squared_error_grad",
    "heaviside",
    "hinge",
    "hinge_grad",
    "huber",
    "huber_grad",
    "kl_divergence",
    "kl_divergence_grad",
    "l1_l2",
    "l1_l2_grad",
    "leaky_relu",
    "leaky_relu_grad",
    "linear",
    "log",
    "log_cosh",
    "log_cosh_grad",
    "log_softmax",
    "log_softmax_grad",
    "matmul",
    "maximum",
    "mean",
    "mean_absolute_error",
    "mean_absolute_error_grad",
    "mean_squared_error",
    "mean_squared_error_grad",
    "minimum",
    "multiply",
    "nadam",
    "norm_scale",
    "one_hot",
    "poisson",
    "poisson_grad",
    "reduce_max",
    "reduce_sum",
    "registry",
    "relu",
    "relu_grad",
    "reshape",
    "rmsprop",
    "scatter_rows",
    "selu",
    "selu_grad",
    "sgd",
    "sigmoid",
    "sigmoid_crossentropy",
    "sigmoid_crossentropy_grad",
    "sigmoid_grad",
    "sign",
    "silu",
    "silu_grad",
    "softmax",
    "softmax_crossentropy",
    "softmax_crossentropy_grad",
    "softmax_grad",
    "softplus",
    "softplus_grad",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_categorical_crossentropy_grad",
    "sparse_softmax_crossentropy",
    "sparse_softmax_crossentropy_grad",
    "sparse_top_k",
    "sqrt",
    "square",
    "square_sums",
    "subtract",
    "sum",
    "tanh",
    "tanh_grad",
    "top_k",
    "weighted_sum",
    "weighted_sum_grad",
]
