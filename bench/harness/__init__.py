"""What every benchmark shares: `bench/README.md` shows how one is written with it."""

from .flops import step_flops
from .measure import Case, Measured, measure
from .peers import arguments, start
from .record import conclude, ratio, refusals, rows
from .tables import aligned, by_case, seconds_text
from .worker import Worker

__all__ = [
    "Case",
    "Measured",
    "Worker",
    "aligned",
    "arguments",
    "by_case",
    "conclude",
    "measure",
    "ratio",
    "refusals",
    "rows",
    "seconds_text",
    "start",
    "step_flops",
]
