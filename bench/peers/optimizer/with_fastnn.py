"""fastnn: a program of the optimizer's step alone, as it stands at the end of a training step."""

from __future__ import annotations

from protocol import options, serve

chosen = options()

import numpy as np  # noqa: E402  (after the process is bound to its CPUs)
from threads import spread  # noqa: E402

import fastnn  # noqa: E402
from fastnn import ops, optimizers  # noqa: E402
from fastnn.graph import Graph, Variable  # noqa: E402
from fastnn.planner import plan  # noqa: E402
from fastnn.runtime.program import make_program  # noqa: E402
from fastnn.training.parameters import Parameters  # noqa: E402

fastnn.set_num_threads(chosen.threads)
MAKE = {
    "adam": optimizers.Adam,
    "adamw": lambda: optimizers.AdamW(weight_decay=0.01),
    "momentum": lambda: optimizers.SGD(0.001, momentum=0.9),
    "sgd": lambda: optimizers.SGD(0.001),
}


def prepare(case: str):
    name, size = case.split()
    random = np.random.default_rng(chosen.seed)
    values = random.normal(size=int(size)).astype(np.float32)
    if name == "copy":
        out = np.empty_like(values)
        return lambda: ops.copy(values, out=out)
    optimizer = MAKE[name]()
    parameters = Parameters([Variable(values, name="w")], optimizer.slot_initial_values())
    parameters.grads.view(np.float32)[...] = random.normal(size=parameters.grads.size // 4)
    with Graph() as graph:
        optimizer.emit(parameters)
    program = make_program(plan(graph), parameters.buffers)
    scalars = optimizer.scalar_table(0, 1)
    return lambda: program.run({}, scalars=scalars)


spread(prepare("copy 10000000"), chosen.threads)
serve(prepare, {"fastnn": f"{fastnn.__version__} ({fastnn.info()['isa']})"}, chosen.threads)
