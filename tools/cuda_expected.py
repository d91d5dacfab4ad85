"""What `cuda_report.py` expects of the CUDA kernels."""

from __future__ import annotations

from typing import NamedTuple

# Every kernel reads and writes 16 bytes at a time, as one instruction,
WIDE = {"loads": r"(LDG|LDGSTS)\b.*\.128", "stores": r"STG\b.*\.128"}
# but for these (patterns of names): what they have not, and why.
LOADS, STORES = ("loads",), ("stores",)
BOTH = LOADS + STORES
A_SUM = "writes one number for many"
NARROW: dict[str, tuple[tuple[str, ...], str]] = {
    "advance_kernel": (BOTH, "three numbers"),
    "block_sums_kernel<.*": (STORES, A_SUM),
    "fold_columns_kernel<.*": (STORES, A_SUM),
    r"rows_kernel<.*, (RowLoss|Hits|FoldRow)<.*": (STORES, A_SUM),
    r"rows_kernel<.*, (Categorical|SparseCategorical|BinaryAccuracy)>": (STORES, A_SUM),
    r"rows_kernel<.*, (Accumulate|Confusion)>": (STORES, A_SUM),
    "mlp_kernel": (STORES, "writes the few numbers that a gradient is made of, as rows come"),
    "step_block_kernel": (BOTH, "small instructions: they cost a launch, not bytes"),
    "norm_scale_kernel": (BOTH, A_SUM),
    "penalty_kernel": (BOTH, A_SUM),
    "quotient_kernel": (BOTH, A_SUM),
    "check_finite_kernel": (STORES, "writes only what it reports"),
    "fill_kernel": (LOADS, "reads nothing"),
    "one_hot_kernel": (LOADS, "reads one label for a row"),
    "gather_kernel<unsigned char, .*": (LOADS, "four bytes of data become 16 bytes"),
    "scatter_kernel": (STORES, "rows start anywhere"),
}

# Kernels (patterns) with local memory that is no spill, and why.
STACK: dict[str, str] = {}

# Bytes of shared memory that a launch asks for, by the kernel's name (a pattern).
DYNAMIC_SHARED: dict[str, int] = {
    r"(bf16|tf32)_kernel<MmaTile<128.*": 49152,
    r"(bf16|tf32)_kernel<MmaTile<64.*": 24576,
}


class MainLoop(NamedTuple):
    holds: tuple[str, ...]
    share: float  # of tensor-core instructions, at least


# Of kernels with tensor cores, by name (a pattern; the first that fits). The last numbers of a
# tf32_kernel are the form (0 nn, 1 nt, 2 tn) and how many parts a factor has: one (tf32), which is
# rounded in registers before it is used, or two (3xtf32). The words of a form whose k is not
# contiguous are not fragments that LDSM can load.
COPIED = r"LDGSTS\b.*\.128"
MAIN_LOOPS: dict[str, MainLoop] = {
    r"bf16_kernel<MmaTile<128.*": MainLoop(("HMMA", "LDSM", COPIED), 0.25),
    r"bf16_kernel<MmaTile<64.*": MainLoop(("HMMA", "LDSM", COPIED), 0.18),
    r"tf32_kernel<MmaTile<128.*, 2, 2>": MainLoop(("HMMA", COPIED), 0.25),
    r"tf32_kernel<MmaTile<128.*, 2>": MainLoop(("HMMA", "LDSM", COPIED), 0.25),
    r"tf32_kernel<MmaTile<128.*, 2, 1>": MainLoop(("HMMA", COPIED), 0.12),
    r"tf32_kernel<MmaTile<128.*, 1>": MainLoop(("HMMA", "LDSM", COPIED), 0.12),
    r"tf32_kernel<MmaTile<64.*, 2, 2>": MainLoop(("HMMA", COPIED), 0.18),
    r"tf32_kernel<MmaTile<64.*, 2>": MainLoop(("HMMA", "LDSM", COPIED), 0.18),
    r"tf32_kernel<MmaTile<64.*, 2, 1>": MainLoop(("HMMA", COPIED), 0.08),
    r"tf32_kernel<MmaTile<64.*, 1>": MainLoop(("HMMA", "LDSM", COPIED), 0.08),
}
