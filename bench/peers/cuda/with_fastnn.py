"""fastnn: a product is a program of one instruction, run many times over as a training run does; a
step is one of `model.fit`."""

from __future__ import annotations

import sys
from pathlib import Path

from protocol import options, serve

chosen = options()
sys.path.append(str(Path(__file__).resolve().parent.parent / "step"))

import numpy as np  # noqa: E402  (after the options have bound the process to its CPUs)
from fitting import prepare as prepare_step  # noqa: E402
from operands import Call, operands  # noqa: E402

import fastnn  # noqa: E402
from fastnn import keras  # noqa: E402
from fastnn.planner.signature import signatures  # noqa: E402
from fastnn.precision import PRECISIONS  # noqa: E402
from fastnn.runtime.device import cuda_module  # noqa: E402
from fastnn.runtime.instr import INSTR  # noqa: E402

precision = {"float32": "highest", "tf32": "high", "bf16": "medium"}[chosen.mode]
fastnn.set_default_device("cuda")
fastnn.set_matmul_precision(precision)


def product(case: str) -> Call:
    form, a, b, shape = operands(case)
    signature = signatures()[f"matmul_{form}"]
    sizes = {}
    for operand, array in zip(signature.operands, (a, b), strict=False):
        sizes.update(zip(operand.dims, array.shape, strict=True))
    record = np.zeros(1, INSTR)
    record["opcode"] = signature.code
    record["dims"][0, : len(signature.dims)] = [sizes[name] for name in signature.dims]
    record["attrs"][0, signature.attrs.index("precision")] = PRECISIONS.index(precision)
    record["operands"]["space"] = [0, 1, -1, -1, 2, -1, -1, -1]
    c = np.empty(shape, np.float32)
    memory = [cuda_module().Memory(0, x.nbytes) for x in (a, b, c)]
    memory[0].upload(a), memory[1].upload(b)
    runner = cuda_module().Program(record, [m.nbytes for m in memory]).bind(0, memory)

    def result() -> np.ndarray:
        memory[2].download(c)
        return c

    return Call(lambda count: runner.run(count), result)


def prepare(case: str):
    kind, _, rest = case.partition(" ")
    return product(rest) if kind == "product" else prepare_step(keras, rest, chosen)


versions = {"fastnn": f"{fastnn.__version__} ({fastnn.info()['cuda']['devices'][0]['name']})"}
serve(prepare, versions, chosen.threads)
