"""fastnn: a program of one instruction, run many times over as a training run does."""

from __future__ import annotations

import os

from protocol import options

chosen = options()
if chosen.mode == "avx2":
    os.environ["FASTNN_ISA"] = chosen.mode

import numpy as np  # noqa: E402  (after the options have bound the process to its CPUs)
from product import Product, work  # noqa: E402

import fastnn  # noqa: E402
from fastnn import _core  # noqa: E402
from fastnn.planner.signature import signatures  # noqa: E402
from fastnn.precision import PRECISIONS  # noqa: E402
from fastnn.runtime.instr import INSTR  # noqa: E402

precision = chosen.mode if chosen.mode in PRECISIONS else "highest"


def many(product: Product):
    signature = signatures()[f"matmul_{product.form}"]
    sizes = {}
    for operand, array in zip(signature.operands, (product.a, product.b), strict=False):
        sizes.update(zip(operand.dims, array.shape, strict=True))
    record = np.zeros(1, INSTR)
    record["opcode"] = signature.code
    record["dims"][0, :3] = [sizes[name] for name in signature.dims]
    record["attrs"][0, signature.attrs.index("precision")] = PRECISIONS.index(precision)
    record["operands"]["space"] = [0, 1, -1, -1, 2, -1, -1, -1]
    spaces = [product.a, product.b, product.c]
    runner = _core.Program(record, [x.nbytes for x in spaces]).bind(spaces)
    return lambda count: runner.run(steps=count, threads=chosen.threads)


work(many, {"fastnn": f"{fastnn.__version__} ({fastnn.info()['isa']})"}, chosen)
