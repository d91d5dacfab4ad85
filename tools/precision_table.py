"""The tables of docs/precision.md: how far each precision is from exact, measured.

    python tools/precision_table.py          # products
    python tools/precision_table.py --mnist  # training: test accuracies of five seeds

Products are compared with float64. AMX is measured by its unit in software (csrc/cpu/software/),
whose bits are those of the instructions; that needs a C++ compiler and a source tree.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import fastnn
from fastnn import _core, keras
from fastnn.planner.signature import signatures
from fastnn.precision import PRECISIONS
from fastnn.runtime.instr import INSTR
from tests.kernels.helpers import Kernel
from tests.kernels.software import Software

SHAPES = [(128, 128, 784), (128, 1024, 1024), (256, 256, 4096)]


def product(kernel: Kernel, a: np.ndarray, b: np.ndarray, precision: str) -> np.ndarray:
    record = np.zeros(1, INSTR)
    record["opcode"] = signatures()["matmul_nn"].code
    (m, k), n = a.shape, b.shape[1]
    record["dims"][0, :3] = m, k, n
    record["attrs"][0, 2] = PRECISIONS.index(precision)
    c = np.empty((m, n), np.float32)
    kernel._execute(record, [a, b, None, None, c, None], 1, None, {})
    return c


def operands(m: int, n: int, k: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    draw = random.random if kind == "uniform [0, 1)" else random.standard_normal
    return draw((m, k)).astype(np.float32), draw((k, n)).astype(np.float32)


def products() -> None:
    here = [isa for isa in _core.isas() if isa != "generic"][-1:]
    rows = [("highest", Kernel(isa), f"float32, {isa}") for isa in ["generic", *here]]
    rows += [("high", Software("software tiles"), "bf16x3, AMX")]
    if fastnn.info()["bf16"]:
        rows += [("medium", Kernel(here[0]), f"bf16, {fastnn.info()['bf16']}")]
    rows += [("medium", Software("software tiles"), "bf16, AMX")]
    sizes = [f"{m} x {n} x {k}" for m, n, k in SHAPES]
    print("| precision | computed in | factors |", " | ".join(sizes), "|")
    print("|---|---|---|" + "---|" * len(SHAPES))
    for precision, kernel, how in rows:
        for kind in ("normal", "uniform [0, 1)"):
            cells = []
            for shape in SHAPES:
                a, b = operands(*shape, kind)
                wide = a.astype(np.float64), b.astype(np.float64)
                scale = abs(wide[0]) @ abs(wide[1])
                error = abs(product(kernel, a, b, precision) - wide[0] @ wide[1]) / scale
                cells.append(f"{error.max():.1e}, {np.sqrt((error**2).mean()):.1e}")
            print(f"| {precision} | {how} | {kind} |", " | ".join(cells), "|")


def training(seeds: int = 5, epochs: int = 5) -> None:
    from fastnn.keras import layers

    (x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
    x, x_test = (v.reshape(-1, 784).astype(np.float32) / 255 for v in (x, x_test))
    cases = [("highest", "float32"), ("medium", "float32"), ("highest", "mixed_bfloat16")]
    print(
        "| set_matmul_precision | policy |",
        " | ".join(f"seed {s}" for s in range(seeds)),
        "| mean |",
    )
    print("|---|---|" + "---|" * (seeds + 1))
    for precision, policy in cases:
        fastnn.set_matmul_precision(precision)
        keras.mixed_precision.set_global_policy(policy)
        found = []
        for seed in range(seeds):
            keras.utils.set_random_seed(seed)
            model = keras.Sequential(
                [layers.Input((784,)), layers.Dense(128, "relu"), layers.Dense(10, "softmax")]
            )
            model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
            model.fit(x, y, batch_size=128, epochs=epochs, verbose=0)
            found.append(model.evaluate(x_test, y_test, verbose=0)[1])
        cells = " | ".join(f"{accuracy:.4f}" for accuracy in found)
        print(f"| {precision} | {policy} | {cells} | {np.mean(found):.4f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", action="store_true", help="train on all of MNIST instead")
    training() if parser.parse_args().mnist else products()


if __name__ == "__main__":
    main()
