"""What is random is the same on the CPU and on the device: dropout's masks, the order of the data,
initial weights."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import ops
from fastnn.graph import Bound, Graph
from fastnn.keras import Sequential
from fastnn.keras.layers import Dense, Dropout, Input
from fastnn.planner import CPU, CUDA, plan
from fastnn.runtime.cuda_program import CudaProgram
from fastnn.runtime.program import CpuProgram, make_program

pytestmark = pytest.mark.usefixtures("every_order")
ROWS = 5


def masks(device: str, width: int, rate: float, stream: int, seed: int, step: int) -> list[bytes]:
    """What dropout leaves of ones, in three steps."""
    with Graph() as graph:
        x = ops.gather(Bound("x", (0, width), "float32"), batch=ROWS)
        y = ops.dropout(x, rate=rate, stream=stream)
    made = plan(graph, {"y": y}, {}, CUDA if device == "cuda" else CPU)
    program = make_program(made, {}, device)
    arrays = {"x": np.ones((3 * ROWS, width), np.float32)}
    left = []
    for i in range(3):
        program.run(arrays, row=i * ROWS, batch=ROWS, step=step + i, seed=seed)
        left.append(np.array(program.output("y")))
    assert all(set(np.unique(y)) == {0, np.float32(1 / (1 - rate))} for y in left)
    assert (left[0] != left[1]).any() and (left[1] != left[2]).any()
    return [y.tobytes() for y in left]


@pytest.mark.parametrize(("width", "rate"), [(7, 0.5), (64, 0.1), (1001, 0.25)])
@pytest.mark.parametrize(("stream", "seed", "step"), [(0, 0, 0), (3, 2**63 + 5, 2**32 - 2)])
def test_masks(width, rate, stream, seed, step):
    """Also where the step no longer fits the counter's 32 bits."""
    args = width, rate, stream, seed, step
    assert masks("cuda", *args) == masks("cpu", *args)


def network():
    return Sequential(
        [Input((6,)), Dense(32, "relu"), Dropout(0.5), Dense(16), Dropout(0.2), Dense(3)]
    )


def fitted(device: str, monkeypatch):
    """(orders of the data, one a run; initial weights; weights after training)."""
    orders = []
    for program in (CpuProgram, CudaProgram):

        def run(self, arrays, *args, _run=program.run, **kwargs):
            if arrays.get("order") is not None:
                rows = slice(kwargs["row"], kwargs["row"] + kwargs["steps"] * kwargs["batch"])
                orders.extend(arrays["order"][rows].tolist())
            return _run(self, arrays, *args, **kwargs)

        monkeypatch.setattr(program, "run", run)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 6)).astype(np.float32), rng.integers(0, 3, 50)
    fastnn.utils.set_random_seed(21)
    model = network()
    first = [w.copy() for w in model.get_weights()]
    monkeypatch.setattr(fastnn.runtime.device, "_default", device)
    model.compile("sgd", fastnn.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=16, epochs=3, shuffle=True, verbose=0)
    monkeypatch.undo()
    return orders, first, model.get_weights()


def test_a_fit_with_shuffling_and_dropout(cuda_device):
    """The same rows in the same order, and the same masks: only then are the weights near. 12
    steps of 0.01 move them by far more than they may differ; that is what a wrong mask would do."""
    with pytest.MonkeyPatch.context() as patch:
        orders, first, weights = fitted("cpu", patch)
    with pytest.MonkeyPatch.context() as patch:
        device_orders, device_first, device_weights = fitted("cuda", patch)
    assert len(orders) == 150 and orders[:50] != orders[50:100] != list(range(50))
    assert device_orders == orders
    for a, b in zip(first, device_first):
        np.testing.assert_array_equal(a, b)
    for before, a, b in zip(first, weights, device_weights):
        # A gradient is a sum of at most 16 rows and 32 columns, of values of at most about 8:
        # 12 steps of 0.01 times (16 + 32 + 16) roundings.
        assert np.abs(a - b).max() <= 12 * 0.01 * 64 * 8 * 2.0**-24 + 2.0**-24 * 12
        assert np.abs(a - before).max() > 1e-3
