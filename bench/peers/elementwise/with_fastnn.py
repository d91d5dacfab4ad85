"""fastnn: "program" repeats an instruction, as training does; "eager" is `fastnn.ops`."""

from __future__ import annotations

from protocol import options, serve

chosen = options()

from arrays import operands  # noqa: E402  (after the process is bound to its CPUs)
from threads import spread  # noqa: E402

import fastnn  # noqa: E402
from fastnn import ops  # noqa: E402
from fastnn.graph import Graph, Variable  # noqa: E402
from fastnn.graph.storage import Storage  # noqa: E402
from fastnn.planner import plan  # noqa: E402
from fastnn.runtime.program import make_program  # noqa: E402

fastnn.set_num_threads(chosen.threads)


def prepare(case: str):
    name, inputs, out = operands(case)
    op = getattr(ops, name)
    if chosen.mode == "eager":
        return lambda: op(*inputs, out=out)
    variables = [Variable(x, name=f"x{i}", trainable=False) for i, x in enumerate(inputs)]
    storage = Storage("frozen", variables)
    with Graph() as graph:
        result = op(*variables)
    program = make_program(plan(graph, outputs={"y": result}), {"frozen": storage.buffer})

    def call() -> None:
        program.run({})

    call.many = lambda count: program.run({}, steps=count)
    return call


spread(prepare("copy 10000000"), chosen.threads)
serve(prepare, {"fastnn": f"{fastnn.__version__} ({fastnn.info()['isa']})"}, chosen.threads)
