"""Few launches a step: the joins of `planner/join.py`, against the same steps one launch at a time,
the CPU, and the float64 references."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fastnn
from fastnn.keras import Sequential
from fastnn.keras.layers import Dense, Dropout, Flatten, Input, Rescaling
from fastnn.planner import CUDA
from fastnn.planner.join import BY_ROWS, SUMS
from fastnn.runtime.env import check_environment

from .helpers import ORDERS

SINGLE = replace(CUDA, joins=False)  # a launch for each instruction
STEP = replace(CUDA, mlp=False)
TARGETS = {"mlp": CUDA, "step": STEP, "single": SINGLE}
in_every_order = pytest.mark.usefixtures("every_order")


@pytest.fixture(autouse=True)
def same_start():
    """Layers draw their first weights when they are made; `trainer` makes the next ones draw the
    same."""
    fastnn.utils.set_random_seed(3)


def trainer(layers, device="cuda", target=None, optimizer="adam", loss=None, metrics=("accuracy",)):
    fastnn.utils.set_random_seed(3)
    loss = loss or "sparse_categorical_crossentropy"
    made = fastnn.Trainer(
        Sequential(layers), optimizer, loss, metrics=list(metrics), device=device, seed=1
    )
    if target is not None:
        made._target = target
    return made


def founding(device="cuda", target=None, **kwargs):
    """784-128 relu-10 softmax on pixels."""
    fastnn.utils.set_random_seed(3)  # layers draw the seeds of their weights when they are made
    layers = [Input((28, 28)), Rescaling(1 / 255), Flatten()]
    return trainer([*layers, Dense(128, "relu"), Dense(10, "softmax")], device, target, **kwargs)


def pixels(rows, dtype=np.uint8):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (rows, 28, 28)).astype(dtype)
    return x, rng.integers(0, 10, rows), rng.permutation(rows)


def train(made, x, y, order=None, steps=3, batch=128, weights=None):
    made.train_rows(x, y, weights, order, batch_size=batch, rows=steps * batch)
    return made


def values(made) -> np.ndarray:
    return made.parameters.params.buffer.view(np.float32).copy()


def launches(made) -> list[str]:
    (program,) = made._programs.values()
    return [name for _, name, *_ in program.launches]


# ---- how many


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_founding_network_is_two_kernels(dtype):
    x, y, order = pixels(300, dtype)
    made = train(founding(), x, y, order, steps=2)
    assert launches(made) == ["mlp", "update"]
    (program,) = made._programs.values()
    assert program.graph_nodes == 2


def test_and_at_most_eight_without_the_fused_network():
    x, y, order = pixels(300)
    made = train(founding(target=STEP), x, y, order, steps=2)
    names = launches(made)
    assert names[-1] == "update" and "block" in names and "mlp" not in names
    (program,) = made._programs.values()
    assert program.graph_nodes == len(names) <= 8


def test_one_launch_each_is_many():
    x, y, order = pixels(300)
    made = train(founding(target=SINGLE), x, y, order, steps=2)
    assert len(launches(made)) > 8 and launches(made)[-1] == "advance"


@pytest.mark.parametrize("value, count", [("mlp", 2), ("step", 6), ("none", 18), ("", 2)])
def test_the_environment_may_switch_them_off(monkeypatch, value, count):
    monkeypatch.setenv("FASTNN_CUDA_JOINS", value)
    check_environment()
    x, y, order = pixels(300)
    made = train(founding(), x, y, order, steps=1)
    assert len(launches(made)) == len(made.plan(128, device="cuda").launches) == count
    monkeypatch.setenv("FASTNN_CUDA_JOINS", "some")
    with pytest.raises(ValueError, match="'some'; expected one of mlp, step, none"):
        check_environment()


# ---- what they compute


@in_every_order
@pytest.mark.parametrize("target", TARGETS)
def test_steps_are_as_exact_as_the_cpu_s(target):
    """Two steps of Adam, each parameter moved by about the rate each time: on the device no
    further from float64's steps than four times the CPU's, which has other orders of its sums."""
    x, y, order = pixels(300)
    exact = values(train(founding("numpy:float64"), x, y, order, steps=2)).astype(np.float64)
    on_cpu = values(train(founding("cpu"), x, y, order, steps=2))
    on_device = values(train(founding(target=TARGETS[target]), x, y, order, steps=2))
    start = founding("cpu")
    start.plan()
    assert np.abs(exact - values(start)).max() > 1e-3
    assert np.abs(on_device - exact).max() <= 4 * np.abs(on_cpu - exact).max()


@pytest.mark.parametrize("target", ["mlp", "step"])
def test_bits_do_not_depend_on_the_order_of_threads(cuda_device, target):
    """In every order, by a graph and by single launches, whoever starts first."""
    if not hasattr(cuda_device, "emulator"):
        pytest.skip("a GPU has an order of its own each time")
    x, y, order = pixels(300)
    bits = set()
    for seed in ORDERS:
        cuda_device.emulator.configure(seed=seed)
        made = founding(target=TARGETS[target])
        if seed % 3:
            train(made, x, y, order, steps=2)  # a graph
        else:
            for step in range(2):
                made.train_rows(x, y, None, order, batch_size=128, first_row=128 * step, rows=128)
        state = made._state.buffer.tobytes()
        bits.add((values(made).tobytes(), made.parameters.slots.tobytes(), state))
    assert len(bits) == 1


NETWORKS = {
    "no hidden layer": ((), "relu", 7),
    "narrow": ((5,), "relu", 7),
    "deep": ((64, 32, 17), "relu", 20),
    "widest": ((128, 128), "tanh", 300),
    "saved before": ((12, 8), "gelu", 33),
    "linear between": ((9, 6), None, 12),
    "with a slope": ((31,), "elu", 256),
}


def network(name, device, target, outputs=4, **kwargs):
    hidden, activation, inputs = NETWORKS[name]
    layers = [Input((inputs,)), *(Dense(h, activation) for h in hidden)]
    return trainer([*layers, Dense(outputs, "softmax")], device, target, "sgd", **kwargs)


def assert_close(made, single, exact):
    """Both are some hundred roundings of sums from the exact result; a wrong index is far more."""
    scale = np.abs(exact).max()
    assert np.abs(values(single) - exact).max() <= 2e-6 * scale
    assert np.abs(values(made) - exact).max() <= 2e-6 * scale


@in_every_order
@pytest.mark.parametrize("batch", [1, 2, 9, 40])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name, batch):
    """A minibatch of one row has no sums over rows to join; it is right all the same."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(90, NETWORKS[name][2])).astype(np.float32)
    y = rng.integers(0, 4, 90)
    made, single, exact = (
        train(network(name, device, target), x, y, None, 2, batch)
        for device, target in (("cuda", CUDA), ("cuda", SINGLE), ("numpy:float64", None))
    )
    assert launches(made) == ["mlp", "update"] or batch == 1
    assert_close(made, single, values(exact))
    assert made.logs()["accuracy"] == single.logs()["accuracy"]
    assert made.logs()["loss"] == pytest.approx(single.logs()["loss"], rel=1e-6)


LOSSES = {
    "mean_squared_error": (3, "float32"),
    "mean_absolute_error": (1, "float32"),
    "huber": (2, "float32"),
    "binary_crossentropy": (1, "binary"),
    "categorical_crossentropy": (4, "one_hot"),
}


@in_every_order
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
def test_losses(loss, weighted):
    outputs, kind = LOSSES[loss]
    rng = np.random.default_rng(5)
    x = rng.normal(size=(64, 10)).astype(np.float32)
    y = rng.normal(size=(64, outputs)).astype(np.float32)
    if kind == "one_hot":
        y = np.eye(outputs, dtype=np.float32)[rng.integers(0, outputs, 64)]
    elif kind == "binary":
        y = (y > 0).astype(np.float32)
    last = {"one_hot": "softmax", "binary": "sigmoid"}.get(kind)
    weights = rng.uniform(0.5, 2, 64).astype(np.float32) if weighted else None

    def run(device, target):
        made = trainer(
            [Input((10,)), Dense(16, "relu"), Dense(outputs, last)], device, target, "sgd", loss, ()
        )
        return train(made, x, y, None, 2, 32, weights)

    made, single, exact = run("cuda", CUDA), run("cuda", SINGLE), run("numpy:float64", None)
    assert "update" in launches(made)
    assert_close(made, single, values(exact))
    assert made.logs()["loss"] == pytest.approx(single.logs()["loss"], rel=2e-6)


@in_every_order
@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam"]
)
def test_optimizers(name):
    """Those that divide by the gradient's size double its rounding error where it is small; the
    gradients here are not."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(64, 8)).astype(np.float32)
    y = (x @ rng.normal(size=(8, 3)) * 4).astype(np.float32)

    def run(device, target):
        optimizer = getattr(fastnn.keras.optimizers, name)(0.01)
        layers = [Input((8,)), Dense(16, "tanh"), Dense(3)]
        return train(trainer(layers, device, target, optimizer, "mse", ()), x, y, None, 2, 32)

    made, single, exact = run("cuda", CUDA), run("cuda", SINGLE), run("numpy:float64", None)
    assert launches(made) == ["mlp", "update"]
    errors = [np.abs(values(t) - values(exact)).max() for t in (made, single)]
    assert max(errors) <= 1e-5 and errors[0] <= 8 * errors[1]


@in_every_order
@pytest.mark.parametrize("target", ["mlp", "step"])
def test_fourteen_layers(target):
    """As many parameters as the kernel has room for, with gaps between them; more layers than the
    fused network has."""
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(40, 5)).astype(np.float32), rng.integers(0, 3, 40)

    def run(device, target):
        layers = [Input((5,)), *(Dense(7, "tanh") for _ in range(13)), Dense(3, "softmax")]
        return train(trainer(layers, device, target, "sgd"), x, y, None, 2, 20)

    made, exact = run("cuda", TARGETS[target]), run("numpy:float64", None)
    assert launches(made)[-1] == "update"
    np.testing.assert_allclose(values(made), values(exact), rtol=0, atol=2e-6)


@in_every_order
@pytest.mark.parametrize("target", ["mlp", "step"])
def test_faults_are_found_inside(target):
    x, y, order = pixels(200)
    y[order[77]] = 10
    with pytest.raises(ValueError, match="Label 10 in row 77 of the minibatch at step 0 is out"):
        train(founding(target=TARGETS[target]), x, y, order, steps=1)
    order[5] = 200
    with pytest.raises(IndexError, match="Row 200 was asked for at step 0, but the data has 200"):
        train(founding(target=TARGETS[target]), x, y % 10, order, steps=1)


# ---- every small instruction


SMALL_LOSSES = ["mean_squared_error", "half_mean_squared_error", "mean_absolute_error", "huber"]


@in_every_order
@pytest.mark.parametrize("target", ["mlp", "step"])
def test_instructions_in_a_join(target):
    """The lists of planner/join.py and of device/small.h are the same: what is in one only is
    refused, or not joined."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(24, 6)).astype(np.float32)
    classes = np.eye(5, dtype=np.float32)[rng.integers(0, 5, 24)]
    seen = set()

    def run(last, loss, metrics, y):
        def layers():
            return [Input((6,)), Dense(7, "relu"), Dense(5, last)]

        made, single = (
            train(trainer(layers(), "cuda", t, "sgd", loss, metrics), x, y, None, 2, 12)
            for t in (TARGETS[target], SINGLE)
        )
        (program,) = made._programs.values()
        for join in program.plan.joins:
            seen.update(s.node.op.name for s in program.plan.steps[join.begin : join.end])
        for name, value in made.logs().items():
            assert value == pytest.approx(single.logs()[name], rel=2e-6), (loss, name)

    for loss in SMALL_LOSSES:
        run(None, loss, [], rng.normal(size=(24, 5)).astype(np.float32))
    run("sigmoid", "binary_crossentropy", ["binary_accuracy"], classes)
    run("softmax", "categorical_crossentropy", ["categorical_accuracy"], classes)
    run("softmax", "sparse_categorical_crossentropy", ["accuracy"], classes.argmax(-1))
    assert seen >= BY_ROWS | SUMS


# ---- where there are none, and why


@pytest.mark.parametrize(
    "change, note",
    [
        ({"dropout": 0.5}, "no mlp join: dropout"),
        ({"width": 200}, "no mlp join: 2 layers, at most 200 wide: it does 8 of 128"),
        ({"clipnorm": 1.0}, "no update join: gradients are clipped by their norm"),
        ({"regularizer": "l2"}, "no mlp join"),
        ({"layers": 15}, "no update join: 30 parameters are too many"),
        ({"rows": 1040}, "no update join: gradients from 1040 rows, 0 MFLOP, are too much"),
        ({"keep_gradients": True}, "no update join: gradients are to be kept"),
    ],
)
def test_what_cannot_be_joined(change, note):
    rng = np.random.default_rng(7)
    rows = change.get("rows", 20)
    x, y = rng.normal(size=(2 * rows, 12)).astype(np.float32), rng.integers(0, 3, 2 * rows)

    def run(device):
        fastnn.utils.set_random_seed(3)
        layers = [
            Input((12,)),
            Dense(change.get("width", 8), "relu", kernel_regularizer=change.get("regularizer")),
            *([Dropout(change["dropout"])] if "dropout" in change else []),
            *(Dense(4, "tanh") for _ in range(change.get("layers", 2) - 2)),
            Dense(3, "softmax"),
        ]
        optimizer = fastnn.keras.optimizers.SGD(0.1, clipnorm=change.get("clipnorm"))
        made = fastnn.Trainer(
            Sequential(layers), optimizer, "sparse_categorical_crossentropy", device=device, seed=1,
            keep_gradients=change.get("keep_gradients", False),
        )  # fmt: skip
        return train(made, x, y, None, 2, rows)

    made = run("cuda")
    (program,) = made._programs.values()
    assert any(n.startswith(note) for n in program.plan.notes), program.plan.notes
    np.testing.assert_allclose(values(made), values(run("numpy:float64")), rtol=0, atol=2e-6)
