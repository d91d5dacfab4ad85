"""Checks of the arguments that fit, evaluate and predict share."""

from __future__ import annotations

import operator


def whole(name: str, value, least: int = 0) -> int:
    """`value` as an int. Raises TypeError when it is no whole number, ValueError when too small."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"`{name}` must be a whole number; {value!r:.60} came.")
    if number < least:
        raise ValueError(f"`{name}` must be at least {least}; {value!r} came.")
    return number


def optional_whole(name: str, value) -> int | None:
    """A positive int, or None."""
    return None if value is None else whole(name, value, 1)


def verbosity(value) -> int | str:
    if value not in (0, 1, 2, "auto"):
        raise ValueError(f"`verbose` must be 'auto', 0, 1 or 2; {value!r:.60} came.")
    return value if value == "auto" else int(value)


def fraction(name: str, value) -> float:
    """A float in [0, 1)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"`{name}` must be a number; {value!r:.60} came.")
    if not 0 <= value < 1:
        raise ValueError(f"`{name}` must be in [0, 1); {value!r} came.")
    return float(value)


def shuffling(value) -> bool | str:
    if not isinstance(value, bool) and value != "batch":
        raise ValueError(f"`shuffle` must be True, False or 'batch'; {value!r:.60} came.")
    return value


def due(epoch: int, validation_freq) -> bool:
    """Is `epoch` (from 0) one to validate after?"""
    if isinstance(validation_freq, list | tuple | set | range):
        return epoch + 1 in validation_freq
    return (epoch + 1) % whole("validation_freq", validation_freq, 1) == 0
