"""Dropout: random zeros while training."""

from __future__ import annotations

from fastnn import ops
from fastnn.utils.arguments import check_number, refuse_unsupported
from fastnn.utils.seeds import mix

from .layer import Layer
from .registry import register


@register
class Dropout(Layer):
    """While training: zero with probability `rate`, else x / (1 - rate). Otherwise x itself.
    (Srivastava et al., 2014)

    The mask is a function of (the training's seed, this layer's stream, step, element), so that it
    needs no memory and a resumed run draws what the run that was never stopped would have drawn.
    The stream is the layer's place in the model; `seed` chooses one instead, so that two layers
    with the same `seed` drop the same elements. To reproduce a run, fix the training's seed, with
    `fastnn.utils.set_random_seed` or `Trainer(seed=...)`.

    Raises:
        ValueError: `rate` is not in [0, 1], or `noise_shape` is given.
    """

    def __init__(self, rate: float, noise_shape=None, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        refuse_unsupported("Dropout", noise_shape=noise_shape)
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise ValueError(f"Dropout: `seed` must be an int or None. Received: seed={seed!r}")
        self.rate = check_number("Dropout", "rate", rate, low=0, high=1)
        self.seed = seed

    def call(self, x, training=False):
        if not training or self.rate == 0:
            return x
        if self.rate == 1:
            return ops.affine(x, scale=0.0)
        # Streams below 2**31 are places in a model, those above belong to seeds.
        stream = self.stream if self.seed is None else 2**31 + mix(self.seed) % 2**31
        return ops.dropout(x, rate=self.rate, stream=stream)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": None}
