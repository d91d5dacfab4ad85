"""AdamW: Adam with weight decay by default."""

from __future__ import annotations

from .adam import Adam
from .registry import register


@register
class AdamW(Adam):
    """`Adam` after p -= p * rate * weight_decay. (Loshchilov & Hutter, 2017)

    Raises:
        ValueError: `weight_decay` is None; see also `Adam`.
    """

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.004,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        *,
        name="adamw",
        **common,
    ):
        if weight_decay is None:
            raise ValueError("AdamW: `weight_decay` must be a number; without it, take Adam.")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, name=name, **common
        )
