"""How exact matrix products are: `set_matmul_precision`, as PyTorch names it.

The setting holds for what is traced after it: an op called on arrays at once, a program when it is
planned. A trainer plans again when the setting has changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

HIGHEST, HIGH, MEDIUM = PRECISIONS = ("highest", "high", "medium")  # numbered so in instructions

_setting = HIGHEST
_of_layer: ContextVar[str | None] = ContextVar("_of_layer", default=None)


def set_matmul_precision(precision: str) -> None:
    """Sets how exact matrix products must at least be. Each allows what is faster, where it is.

    "highest"   float32: the default.
    "high"      each factor may be split into two bf16 parts, of whose four products three are
                summed (bf16x3): errors of about 2**-17 of |a| |b|.
    "medium"    factors may be rounded to bf16, 8 bits of significand: errors of about 2**-8 of
                |a| |b|.

    Sums are float32 always, and so are operands and results in memory. What is used where is in
    `docs/precision.md`; `fastnn.info()["bf16"]` says what this machine has.

    Raises:
        ValueError: another word.
    """
    from fastnn.graph.storage import revise

    global _setting
    _setting = check_precision("set_matmul_precision", precision)
    revise()


def get_matmul_precision() -> str:
    """What `set_matmul_precision` set last: "highest" where it was never called."""
    return _setting


@contextlib.contextmanager
def layer_precision(precision: str | None) -> Iterator[None]:
    """While a layer is traced: the precision of its products, or None for what is set for all."""
    token = _of_layer.set(precision)
    try:
        yield
    finally:
        _of_layer.reset(token)


def precision_in_force() -> str:
    """That of a product which is asked for now, without a precision of its own."""
    return _of_layer.get() or _setting


def check_precision(where: str, precision: str) -> str:
    """`precision`. Raises ValueError, naming `where`, if it is none."""
    if precision not in PRECISIONS:
        raise ValueError(
            f"{where}: the precision of matrix products is 'highest', 'high' or 'medium'. "
            f"Received: {precision!r}"
        )
    return precision
