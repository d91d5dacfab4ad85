"""Automatic names: dense, dense_1, ... counted over the whole process, as Keras does."""

from __future__ import annotations

import re

_counts: dict[str, int] = {}


def snake_case(name: str) -> str:
    """LeakyReLU -> leaky_re_lu, KLDivergence -> kl_divergence."""
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()


def auto_name(prefix: str) -> str:
    """The prefix in snake case, with _1, _2, ... from the second time on."""
    prefix = snake_case(prefix)
    n = _counts.get(prefix, 0)
    _counts[prefix] = n + 1
    return f"{prefix}_{n}" if n else prefix


def clear_session() -> None:
    """Starts the numbering of automatic names anew."""
    _counts.clear()
