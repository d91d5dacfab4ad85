"""AdamW: Adam with weight decay by default."""

from __future__ import annotations

from .adam import Adam
from .optimizer import Rate
from .registry import register


@register
class AdamW(Adam):
    """`Adam` after p -= p * rate * weight_decay. (Loshchilov & Hutter, 2017)

    Raises:
        ValueError: `weight_decay` is None; see also `Adam`.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common,
    ):
        if weight_decay is None:
            raise ValueError("AdamW: `weight_decay` must be a number; without it, take Adam.")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, **common)
