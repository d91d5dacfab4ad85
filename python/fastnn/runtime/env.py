"""The environment variables that fastnn reads, checked when it is imported.

FASTNN_ISA          the instruction set of the kernels: generic, avx2, avx512, amx; avx512_bf16
                    (avx512 with bf16 products also where float32's are faster, as on Intel's CPUs)
FASTNN_NUM_THREADS  at most so many threads
FASTNN_DATA         the folder where data sets are looked for
FASTNN_DEVICE       where programs run that are not told: cpu, cuda, cuda:1, numpy, numpy:float64
FASTNN_CUDA_JOINS   what shares a launch: mlp (all that can, a whole network too), step (not that),
                    none (a launch for each instruction, to look for what goes wrong)
FASTNN_CUDA_EMULATOR  1: device="cuda" is an emulator on the CPU, which tests build; slow
"""

from __future__ import annotations

import os

JOINS = ("mlp", "step", "none")
ISAS = ("generic", "avx2", "avx512", "avx512_bf16", "amx")


def check_environment(environ=os.environ) -> None:
    """Raises ValueError for a variable with a wrong value.

    Whether this CPU can run FASTNN_ISA is checked when the kernels are first needed, whether
    FASTNN_DEVICE is there when a program is, and FASTNN_DATA when a data set is.
    """
    isa = environ.get("FASTNN_ISA", "")
    if isa and isa not in ISAS:
        raise ValueError(f"FASTNN_ISA is {isa!r}; expected one of {', '.join(ISAS)}.")
    threads = environ.get("FASTNN_NUM_THREADS", "")
    if threads and not (threads.isascii() and threads.isdigit() and 1 <= int(threads)):
        raise ValueError(
            f"FASTNN_NUM_THREADS is {threads!r}; expected a whole number of at least 1."
        )
    device = environ.get("FASTNN_DEVICE", "")
    if device and not is_device(device):
        raise ValueError(
            f"FASTNN_DEVICE is {device!r}; expected cpu, cuda, cuda:1, numpy or numpy:float64."
        )
    joins = environ.get("FASTNN_CUDA_JOINS", "")
    if joins and joins not in JOINS:
        raise ValueError(f"FASTNN_CUDA_JOINS is {joins!r}; expected one of {', '.join(JOINS)}.")
    emulator = environ.get("FASTNN_CUDA_EMULATOR", "")
    if emulator not in ("", "0", "1"):
        raise ValueError(f"FASTNN_CUDA_EMULATOR is {emulator!r}; expected 0 or 1.")


def is_device(name: str) -> bool:
    """Is it the name of a device: cpu, cuda, cuda:1, numpy, numpy:float32, numpy:float64?"""
    kind, colon, rest = name.partition(":")
    if kind == "cuda":
        return not colon or (rest.isascii() and rest.isdigit() and len(rest) <= 3)
    return name in ("cpu", "numpy", "numpy:float32", "numpy:float64")
