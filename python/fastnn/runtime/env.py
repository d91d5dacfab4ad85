"""The environment variables that fastnn reads, checked when it is imported.

FASTNN_ISA          the instruction set of the kernels: generic, avx2, avx512, amx
FASTNN_NUM_THREADS  at most so many threads
FASTNN_DATA         the folder where data sets are looked for
"""

from __future__ import annotations

import os

ISAS = ("generic", "avx2", "avx512", "amx")


def check_environment(environ=os.environ) -> None:
    """Raises ValueError for a variable with a wrong value.

    Whether this CPU can run FASTNN_ISA is checked when the kernels are first needed, and
    FASTNN_DATA when a data set is.
    """
    isa = environ.get("FASTNN_ISA", "")
    if isa and isa not in ISAS:
        raise ValueError(f"FASTNN_ISA is {isa!r}; expected one of {', '.join(ISAS)}.")
    threads = environ.get("FASTNN_NUM_THREADS", "")
    if threads and not (threads.isascii() and threads.isdigit() and 1 <= int(threads)):
        raise ValueError(
            f"FASTNN_NUM_THREADS is {threads!r}; expected a whole number of at least 1."
        )
