"""JAX (scan.py). "bf16 scan" rounds the factors of products to bf16 and keeps float32 weights."""

from __future__ import annotations

from functools import partial

from protocol import options, serve

chosen = options()

import jax  # noqa: E402  (after the options have bound the process to its CPUs)
from scan import prepare  # noqa: E402

bf16 = chosen.mode == "bf16 scan"
serve(partial(prepare, chosen=chosen, bf16=bf16), {"jax": jax.__version__}, chosen.threads)
