"""The founding network in fastnn, by `model.fit`. "bf16" is `set_matmul_precision("medium")`."""

from __future__ import annotations

from founding import work
from protocol import options

chosen = options()

import fastnn  # noqa: E402  (after the options have bound the process to its CPUs)
from fastnn import keras  # noqa: E402

fastnn.set_num_threads(chosen.threads)
fastnn.set_matmul_precision("medium" if chosen.mode == "bf16" else "highest")
work(keras, chosen, {"fastnn": f"{fastnn.__version__} ({fastnn.info()['isa']})"})
