"""fastnn, by `model.fit`. "bf16" is `set_matmul_precision("medium")`."""

from __future__ import annotations

from fitting import prepare
from protocol import options, serve

chosen = options()

import fastnn  # noqa: E402  (after the options have bound the process to its CPUs)
from fastnn import keras  # noqa: E402

fastnn.set_num_threads(chosen.threads)
fastnn.set_matmul_precision({"fp32": "highest", "bf16": "medium"}[chosen.mode])
versions = {"fastnn": f"{fastnn.__version__} ({fastnn.info()['isa']})"}
serve(lambda case: prepare(keras, case, chosen), versions, chosen.threads)
