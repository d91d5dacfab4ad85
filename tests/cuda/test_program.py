"""Whole programs on the device: against the CPU's and the float64 references, step after step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fastnn
from fastnn import ops
from fastnn.graph import Bound, Graph, Variable, gradients
from fastnn.keras import Sequential
from fastnn.keras.layers import Activation, Dropout, Flatten, Input, Rescaling
from fastnn.planner import CPU, CUDA, plan
from fastnn.runtime.program import make_program
from fastnn.training.parameters import Parameters

from .helpers import ORDERS

ROWS, COLS, BATCH, STEPS = 50, 12, 16, 3
SINGLE = replace(CUDA, joins=False)  # a launch for each instruction


class Scales:
    """Learns a factor for each column, by Adam, from minibatches in an order: every part of a
    training step but a matrix product."""

    def __init__(self, device: str, w=None):
        start = np.linspace(-1, 1, COLS, dtype=np.float32) if w is None else w
        self.w = Variable(start, name="w")
        self.parameters = Parameters([self.w], fastnn.keras.optimizers.Adam().slot_initial_values())
        self.optimizer = fastnn.keras.optimizers.Adam(0.05)
        with Graph() as graph:
            order = Bound("order", (0,), "int64")
            x = ops.gather(Bound("x", (0, COLS), "uint8"), order, batch=BATCH, scale=1 / 255)
            t = ops.gather(Bound("t", (0, COLS), "float32"), order, batch=BATCH)
            x = ops.dropout(x, rate=0.25, stream=3)
            error = ops.subtract(ops.multiply(x, self.w), t)
            rows = ops.reduce_sum(ops.square(error), axis=1)
            total = ops.weighted_sum(rows, None, divisor=float(BATCH))
            (grad,) = gradients(graph, total, [self.w])
            homes = {grad: self.parameters.home(self.w)}
            self.optimizer.emit(self.parameters)
        made = plan(graph, {"rows": rows}, homes, SINGLE if device == "cuda" else CPU)
        self.program = make_program(made, self.parameters.buffers, device)

    def train(self, steps: int, first: int = 0) -> None:
        rng = np.random.default_rng(0)
        arrays = {
            "x": rng.integers(0, 256, (ROWS, COLS)).astype(np.uint8),
            "t": rng.normal(size=(ROWS, COLS)).astype(np.float32),
            "order": rng.permutation(ROWS),
        }
        self.program.run(
            arrays, steps=steps, row=first * BATCH, batch=BATCH, step=first, seed=77,
            scalars=self.optimizer.scalar_table(first, steps),
        )  # fmt: skip


def test_steps_against_the_references():
    """After a few steps of at most 0.05 each, from sums of 16 and 12 terms: within 100 roundings
    of a number near 1."""
    device, exact = Scales("cuda"), Scales("numpy:float64")
    device.train(STEPS)
    exact.train(STEPS)
    np.testing.assert_allclose(device.w.value, exact.w.value, rtol=0, atol=100 * 2.0**-24)
    assert np.abs(device.w.value - np.linspace(-1, 1, COLS)).max() > 0.1  # it has moved
    got, want = device.program.output("rows"), exact.program.output("rows")
    np.testing.assert_allclose(got, want, rtol=1000 * 2.0**-24)


@pytest.mark.parametrize("seed", ORDERS)
def test_a_graph_of_the_step_gives_the_bits_of_single_steps(cuda_device, seed):
    """One run of three steps (a graph, replayed), and three runs of one step (launches)."""
    if hasattr(cuda_device, "emulator"):
        cuda_device.emulator.configure(seed=seed)
    together, alone = Scales("cuda"), Scales("cuda")
    together.train(STEPS)
    for step in range(STEPS):
        alone.train(1, step)
    assert together.w.value.tobytes() == alone.w.value.tobytes()
    assert together.parameters.slots.tobytes() == alone.parameters.slots.tobytes()


def test_the_launches_of_a_step():
    scales = Scales("cuda")
    scales.train(1)
    steps = [s.opcode for s in scales.program.plan.steps]
    nodes = {node: opcode for node, opcode, *_ in scales.program.launches}
    assert nodes == dict(enumerate([*steps, "advance"]))  # each step, in order, and the end
    for _, _, grid, block, shared, _ in scales.program.launches:
        assert min(*grid, *block) >= 1 and block[0] * block[1] * block[2] <= 1024 and shared == 0


def test_a_row_that_does_not_exist():
    scales = Scales("cuda")
    # Which of those that do not exist is said: whichever thread came first.
    with pytest.raises(IndexError, match=r"Row 5\d was asked for .* the data has 50 rows"):
        scales.train(1, first=3)


@pytest.mark.parametrize(
    "table, error, message",
    [
        (np.zeros((2, 2)), TypeError, "scalars: expected float32, got elements of type 'd'"),
        (np.zeros(2, np.float32), ValueError, "scalars: .* row for each of the 2 .* 1 dimensions"),
        (np.zeros((1, 2), np.float32), ValueError, "scalars: expected .* got 2 dimensions and 1"),
    ],
)
def test_scalars_that_do_not_fit(table, error, message):
    scales = Scales("cuda")
    scales.optimizer.scalar_table = lambda first, steps: table
    with pytest.raises(error, match=message):
        scales.train(2)


def test_buffers_are_aligned():
    made = Scales("cuda").program.plan
    places = [p for s in made.steps for p in s.operands if p is not None and p.space == "arena"]
    assert places and all(p.offset % 256 == 0 for p in places)


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_predict(cuda_device, device):
    if int(device[5:] or 0) >= len(cuda_device.survey()["devices"]):
        pytest.skip("there is one GPU")
    layers = [Input((5, 4)), Rescaling(2.0, -0.5), Flatten(), Activation("gelu"), Dropout(0.5)]
    model = Sequential([*layers, Activation("tanh")])
    x = np.random.default_rng(1).normal(size=(37, 5, 4)).astype(np.float32)
    on_device = fastnn.Trainer(model, device=device).predict(x, batch_size=16, verbose=0)
    on_cpu = fastnn.Trainer(model, device="cpu").predict(x, verbose=0)
    np.testing.assert_allclose(on_device, on_cpu, rtol=8 * 2.0**-24)


def test_memory_is_given_back(cuda_device):
    if not hasattr(cuda_device, "emulator"):
        pytest.skip("only the emulator counts allocations")
    before = cuda_device.emulator.allocations()
    for _ in range(3):
        Scales("cuda").train(STEPS)
    assert cuda_device.emulator.allocations() == before


def test_memory_is_kept_for_the_next(cuda_device):
    if not hasattr(cuda_device, "emulator"):
        pytest.skip("only the emulator counts allocations")
    cuda_device.emulator.keep_unused(True)
    try:
        first = cuda_device.Memory(0, 100_000)
        address = first.address
        del first
        assert cuda_device.Memory(0, 99_990).address == address
        assert cuda_device.Memory(0, 50_000).address != address
    finally:
        cuda_device.emulator.keep_unused(False)
        cuda_device.release_unused(0)
