"""JAX on the GPU: steps, all of an epoch one scan (step/scan.py)."""

from __future__ import annotations

import sys
from pathlib import Path

from protocol import Skipped, options, serve

chosen = options()
sys.path.append(str(Path(__file__).resolve().parent.parent / "step"))

import jax  # noqa: E402  (after the options have bound the process to its CPUs)
from scan import prepare as prepare_step  # noqa: E402

# By itself JAX would round the factors of a float32 product to tf32.
jax.config.update("jax_default_matmul_precision", "highest")


def prepare(case: str):
    kind, _, rest = case.partition(" ")
    if kind == "product":
        raise Skipped("its products are those of cuBLAS, as CuPy's")
    return prepare_step(rest, chosen, chosen.mode == "bf16 scan")


serve(prepare, {"jax": f"{jax.__version__} ({jax.devices('gpu')[0].device_kind})"}, chosen.threads)
