"""Activation: any activation function as a layer of its own."""

from __future__ import annotations

from fastnn import activations

from .layer import Layer
from .registry import register


@register
class Activation(Layer):
    """activation(x), elementwise or along the last axis; shapes stay as they are.

    Args:
        activation: name or function, see `fastnn.activations`.
    """

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, x, training=False):
        return self.activation(x)

    def get_config(self):
        return {**super().get_config(), "activation": activations.serialize(self.activation)}
