"""CuPy, whose products are cuBLAS'."""

from __future__ import annotations

import os

from protocol import Skipped, options, serve

chosen = options()
os.environ["CUPY_TF32"] = "1" if chosen.mode == "tf32" else "0"

import cupy  # noqa: E402  (after the options have bound the process to its CPUs)
from operands import Call, operands  # noqa: E402


def prepare(case: str) -> Call:
    kind, _, rest = case.partition(" ")
    if kind != "product":
        raise Skipped("CuPy does not train networks")
    form, a, b, shape = operands(rest)
    a, b, c = cupy.asarray(a), cupy.asarray(b), cupy.empty(shape, cupy.float32)
    a, b = a.T if form == "tn" else a, b.T if form == "nt" else b

    def many(count: int) -> None:
        for _ in range(count):
            cupy.matmul(a, b, out=c)
        cupy.cuda.get_current_stream().synchronize()

    return Call(many, c.get)


cublas = cupy.cuda.cublas.getVersion(cupy.cuda.device.get_cublas_handle())
serve(prepare, {"cupy": f"{cupy.__version__} (cuBLAS {cublas})"}, chosen.threads)
