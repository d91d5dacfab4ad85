"""Dense: the fully connected layer."""

from __future__ import annotations

import math

from fastnn import activations, initializers, ops, regularizers
from fastnn.utils.arguments import refuse_unsupported

from .layer import Layer
from .registry import register


@register
class Dense(Layer):
    """activation(x @ kernel + bias) along the last axis.

    Shapes: x (batch, ..., n), kernel (n, units), bias (units,), output (batch, ..., units).

    Args:
        units: size of the output's last axis.
        activation: name or function; None is linear.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: see `fastnn.initializers`.
        kernel_regularizer, bias_regularizer, activity_regularizer: see `fastnn.regularizers`.

    Raises:
        ValueError: `units` is no positive whole number; an argument fastnn does not support.
    """

    def __init__(
        self,
        units: int,
        activation=None,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        lora_rank=None,
        lora_alpha=None,
        quantization_config=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        refuse_unsupported(
            "Dense",
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            quantization_config=quantization_config,
        )
        if isinstance(units, bool) or not isinstance(units, int) or units <= 0:
            raise ValueError(f"Dense: `units` must be a positive int. Received: units={units!r}")
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel = self.bias = None

    def build(self, input_shape):
        n = self._last_axis(input_shape)
        self.kernel = self.add_weight(
            (n, self.units), self.kernel_initializer, regularizer=self.kernel_regularizer,
            name="kernel",
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,), self.bias_initializer, regularizer=self.bias_regularizer,
                name="bias",
            )  # fmt: skip

    def _last_axis(self, shape) -> int:
        """The size of the input's last axis, checked."""
        if len(shape) < 2 or shape[-1] is None:
            raise ValueError(
                f"Layer {self.name!r}: the input must have at least 2 axes, the last of a known "
                f"size. Received: input_shape={tuple(shape)}"
            )
        if self.kernel is not None and shape[-1] != self.kernel.shape[0]:
            raise ValueError(
                f"Layer {self.name!r} was built for inputs whose last axis has "
                f"{self.kernel.shape[0]} values. Received: input of shape {tuple(shape)}"
            )
        return shape[-1]

    def call(self, x, training=False):
        n = self._last_axis(x.shape)
        rows = x if x.ndim == 2 else ops.reshape(x, shape=(math.prod(x.shape[:-1]), n))
        y = ops.matmul(rows, self.kernel)
        if self.bias is not None:
            y = ops.add(y, self.bias)
        if x.ndim > 2:
            y = ops.reshape(y, shape=(*x.shape[:-1], self.units))
        return self.activation(y)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
        }
