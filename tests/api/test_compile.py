"""fastnn.compile, and the calls that go the same way: model(x) and predict of few rows."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import fastnn
from fastnn import ops
from fastnn.keras import Sequential
from fastnn.keras.callbacks import Callback
from fastnn.keras.layers import Activation, Dense, Dropout, Flatten, Input, Layer, Rescaling
from fastnn.training.caller import MOST_ROUTINES, MOST_ROWS
from fastnn.training.parameters import Parameters

pytestmark = pytest.mark.cpu(reason="what fastnn.compile makes runs on the CPU, with its bits")

WIDTH, CLASSES = 12, 5


def network(*first):
    layers = [*first, Dense(16, activation="relu"), Dropout(0.5), Dense(CLASSES, "softmax")]
    return Sequential([Input((WIDTH,)), *layers])


def numbers(rows=7, width=WIDTH):
    return np.random.default_rng(rows).normal(size=(rows, width)).astype(np.float32)


def same(a, b):
    """The same bits: 0.0 and -0.0 differ."""
    assert a.dtype == b.dtype == np.float32
    np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))


# ---- what comes out


@pytest.mark.parametrize("rows", [1, 2, 31, 32, 255, 256, 257, 512, 700])
def test_all_ways_give_the_same_bits(rows, capsys):
    """In one call, in batches, with a bar, with a callback."""
    model, x = network(), numbers(rows)
    expected = fastnn.compile(model)(x)
    assert expected.shape == (rows, CLASSES) and np.unique(expected).size > rows
    same(model(x), expected)
    same(model.predict_on_batch(x), expected)
    same(model.predict(x), expected)
    assert capsys.readouterr().out == ""
    for size in (1, 5, 32, 256, 1000):
        same(model.predict(x, batch_size=size, verbose=0), expected)
    same(model.predict(x, verbose=1), expected)
    assert capsys.readouterr().out
    same(model.predict(x, verbose=0, callbacks=[Callback()]), expected)
    same(model.predict(iter([x[: rows // 2 + 1]]), verbose=0), expected[: rows // 2 + 1])


def test_the_arithmetic():
    model, x = network(), numbers(300)
    w, b, v, c = (a.astype(np.float64) for a in model.get_weights())
    z = np.maximum(x @ w + b, 0) @ v + c
    e = np.exp(z - z.max(axis=1, keepdims=True))
    np.testing.assert_allclose(fastnn.compile(model)(x), e / e.sum(1, keepdims=True), atol=1e-6)


def unaligned(x):
    memory = bytearray(x.nbytes + 1)
    view = np.frombuffer(memory, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    assert not view.flags.aligned
    return view


def read_only(x):
    x.flags.writeable = False
    return x


FORMS = {
    "uint8": lambda x: x.astype(np.uint8),
    "int8": lambda x: x.astype(np.int8),
    "int16": lambda x: x.astype(np.int16),
    "int32": lambda x: x.astype(np.int32),
    "int64": lambda x: x.astype(np.int64),
    "uint64": lambda x: x.astype(np.uint64),
    "float16": lambda x: x.astype(np.float16),
    "float64": lambda x: x.astype(np.float64),
    "longdouble": lambda x: x.astype(np.longdouble),
    "big endian": lambda x: x.astype(">f4"),
    "columns first": np.asfortranarray,
    "every second row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
    "unaligned": unaligned,
    "unaligned float64": lambda x: unaligned(x.astype(np.float64)),
    "read-only": read_only,
    "list": lambda x: x.tolist(),
    "an axis too many": lambda x: x[..., np.newaxis],
    "a subclass": lambda x: x.view(np.matrix),
}


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rows", [3, 300])
def test_whatever_predict_takes(form, rows):
    """Whole numbers from 0 to 100, which all of these hold."""
    model, x = network(), np.random.default_rng(1).integers(0, 100, (rows, WIDTH))
    x = x.astype(np.float32)
    f = fastnn.compile(model)
    expected = f(x)
    for _ in range(2):  # planned, and kept
        same(f(FORMS[form](x.copy())), expected)
        same(model(FORMS[form](x.copy())), expected)
        same(model.predict(FORMS[form](x.copy()), batch_size=1000, verbose=0), expected)
        same(model.predict(FORMS[form](x.copy()), batch_size=2, verbose=0), expected)


def test_memory_maps(tmp_path):
    model, x = network(), numbers(40)
    np.save(tmp_path / "x.npy", x)
    same(fastnn.compile(model)(np.load(tmp_path / "x.npy", mmap_mode="r")), model.predict(x))


def test_zero_keeps_its_sign():
    """Float rows are read as they are, and gathered as they are."""
    x = np.float32([[0.0, -0.0, 1.0, -1.0]])
    same(Sequential([Input((4,)), Activation("linear")]).predict(x, verbose=0), x)
    same(ops.gather(x, batch=1), x)
    shifted = Sequential([Input((4,)), Rescaling(2.0, offset=0.0)])
    for way in (shifted, lambda x: ops.gather(x, batch=1, scale=2.0, shift=0.0)):
        same(way(x), x * np.float32(2) + np.float32(0))  # adding 0.0 takes it


def test_rows_of_more_dimensions():
    model = Sequential([Input((4, 3)), Dense(2), Flatten()])
    f, x = fastnn.compile(model), numbers(6 * 4, 3).reshape(6, 4, 3)
    assert f(x).shape == (6, 8)
    same(f(x)[2:3], f(x[2:3]))
    same(f(x), model.predict(x, batch_size=4))


def test_models_that_move_nothing_or_look_away():
    x = numbers()
    copied = fastnn.compile(Sequential([Input((WIDTH,)), Flatten()]))(x)
    same(copied, x)
    assert not np.may_share_memory(copied, x)

    class Constant(Layer):
        def call(self, x):
            return ops.reshape(ops.fill(shape=(x.shape[0], 3), value=2.5), (x.shape[0], 3))

        def compute_output_shape(self, input_shape):
            return (input_shape[0], 3)

    model = Sequential([Input((WIDTH,)), Constant()])
    same(fastnn.compile(model)(x), np.full((7, 3), 2.5, np.float32))


def test_a_random_layer_draws_as_in_predict():
    class Always(Layer):
        def call(self, x):
            return ops.dropout(x, rate=0.5, stream=3)

    model, x = Sequential([Input((WIDTH,)), Always()]), np.ones((20, WIDTH), np.float32)
    f = fastnn.compile(model)
    assert 0 < np.count_nonzero(f(x)) < x.size
    same(f(x), model.predict(x))
    same(f(x), model(x))


# ---- the model lives on


def test_weights_are_live(tmp_path):
    model, x = network(), numbers()
    f = fastnn.compile(model, batch_size=7)
    model.compile("adam", "sparse_categorical_crossentropy")
    before = f(x)
    model.fit(x, np.arange(7) % CLASSES, verbose=0)
    trained = f(x)
    assert not np.array_equal(trained, before)
    same(trained, model.predict(x))
    model.save_weights(tmp_path / "w.safetensors")
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    same(f(x), np.full((7, CLASSES), 1 / CLASSES, np.float32))
    model.load_weights(tmp_path / "w.safetensors")
    same(f(x), trained)


def test_weights_that_are_laid_out_anew_are_found():
    """Another choice of what is trained: the weights move, and the function follows."""
    model, x, y = network(), numbers(), np.arange(7) % CLASSES
    model.compile("sgd", "sparse_categorical_crossentropy")
    f = fastnn.compile(model)
    f(x)
    model.layers[0].trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    where = model.weights[-1].value.ctypes.data
    model.fit(x, y, verbose=0)
    assert model.weights[-1].value.ctypes.data != where
    same(f(x), model.predict(x))
    Parameters(model.weights)  # whoever lays them out
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    same(f(x), np.full((7, CLASSES), 1 / CLASSES, np.float32))


def test_what_happens_to_other_models_costs_no_plan(monkeypatch):
    from fastnn.training import caller

    f, x = fastnn.compile(network()), numbers()
    expected = f(x)
    monkeypatch.setattr(caller, "call_plan", None)
    Parameters(network().weights)
    same(f(x), expected)


def test_the_precision_of_products_is_seen():
    model, x = network(), numbers(40)
    f = fastnn.compile(model)
    exact = f(x)
    try:
        fastnn.set_matmul_precision("medium")
        rounded = f(x)
        same(rounded, model.predict(x))
        same(rounded, fastnn.compile(model)(x))
    finally:
        fastnn.set_matmul_precision("highest")
    same(f(x), exact)


def test_layers_that_come_and_go():
    inner = Sequential([Input((WIDTH,)), Dense(4)])
    model = Sequential([inner, Activation("relu")])
    f, x = fastnn.compile(model), numbers()
    assert f(x).shape == (7, 4)
    relu = model.pop()
    assert f(x).min() < 0
    same(f(x), inner(x))
    model.add(relu)
    same(f(x), np.maximum(inner(x), 0))
    inner.add(Activation("tanh"))
    same(f(x), np.maximum(inner(x), 0))
    same(model.predict(x), f(x))


def test_a_model_that_is_not_built_yet():
    model = Sequential([Dense(3)])
    f = fastnn.compile(model)
    assert "not built" in repr(f)
    assert f(numbers()).shape == (7, 3)
    assert f.model is model and "(None, 12) -> (None, 3)" in repr(f)
    with pytest.raises(ValueError, match="not known yet, so batch_size=2"):
        fastnn.compile(Sequential([Dense(3)]), batch_size=2)


def test_planned_ahead_and_bounded(monkeypatch):
    model = network()
    f = fastnn.compile(model, batch_size=[1, 4, 600])
    assert f.kept == 4  # 1, 4, 256 and the 88 that are left of 600
    for rows in range(1, 2 * MOST_ROUTINES):
        f(numbers(rows))
    assert f.kept == MOST_ROUTINES
    same(f(numbers(1)), model.predict(numbers(1)))
    assert fastnn.compile(model, batch_size=3).kept == 1
    assert MOST_ROWS == 256


# ---- out


def test_out():
    model, x = network(), numbers()
    f = fastnn.compile(model)
    out = np.full((7, CLASSES), np.nan, np.float32)
    assert f(x, out=out) is out
    same(out, model.predict(x))
    long = np.full((302, CLASSES), np.nan, np.float32)
    many = numbers(300)
    f(many, out=long[1:301])
    same(long[1:301], model.predict(many))
    assert np.isnan(long[0]).all() and np.isnan(long[301]).all()
    f(many.tolist(), out=long[:300])
    same(long[:300], model.predict(many))
    assert f(x) is not f(x)


def test_out_that_does_not_serve():
    f, x = fastnn.compile(network(), batch_size=7), numbers()
    shared = np.zeros(7 * WIDTH, np.float32)
    inside = shared[: 7 * CLASSES].reshape(7, CLASSES)
    locked = np.zeros((7, CLASSES), np.float32)
    locked.flags.writeable = False
    for out in (
        np.zeros((6, CLASSES), np.float32),
        np.zeros((7, CLASSES)),
        np.zeros((CLASSES, 7), np.float32).T,
        np.zeros((7, 2 * CLASSES), np.float32)[:, ::2],
        unaligned(np.zeros((7, CLASSES), np.float32)),
        locked,
        [0.0],
    ):
        with pytest.raises(ValueError, match=r"`out` must be .* float32\[7, 5\]"):
            f(x, out=out)
    with pytest.raises(ValueError, match="shares no memory with x"):
        f(shared.reshape(7, WIDTH), out=inside)
    weights = f.model.weights[0].value.reshape(-1)
    with pytest.raises(ValueError, match="overlaps"):
        f(x, out=weights[: 7 * CLASSES].reshape(7, CLASSES))


# ---- errors


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((3, WIDTH + 1)),
        np.zeros((0, WIDTH), np.float32),
        np.float32(1),
        np.zeros((3, WIDTH), complex),
        np.array([["a"] * WIDTH]),
        [[1.0] * WIDTH, [1.0]],
        None,
        "text",
    ],
)
def test_errors_are_those_of_predict(x):
    model = network()
    with pytest.raises((ValueError, TypeError)) as expected:
        model.predict(x, verbose=1)
    for call in (fastnn.compile(model), model, model.predict):
        with pytest.raises(expected.type) as caught:
            call(x)
        assert str(caught.value) == str(expected.value)
    assert np.isfinite(model(numbers())).all()


def test_wrong_arguments():
    f, x = fastnn.compile(network()), numbers()
    for call in (lambda: f(), lambda: f(x, None), lambda: f(x, training=True), lambda: f(y=x)):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(TypeError, match="a model is due, Dense came.*model.compile"):
        fastnn.compile(Dense(3))
    for wrong, error in ((0, ValueError), (True, TypeError), ([2, 1.5], TypeError)):
        with pytest.raises(error, match="`batch_size`"):
            fastnn.compile(network(), batch_size=wrong)


def test_a_fault_is_an_error_and_the_next_call_is_right():
    class Picky(Layer):
        """The cross-entropy of the first column, as class numbers, and the others."""

        def call(self, x):
            labels = np.int32([1, 2, 3, 1, 2, 3, 99][: x.shape[0]])
            rows = ops.sparse_categorical_crossentropy(labels, x)
            return ops.reshape(rows, (x.shape[0], 1))

        def compute_output_shape(self, input_shape):
            return (input_shape[0], 1)

    model = Sequential([Input((WIDTH,)), Activation("softmax"), Picky()])
    f = fastnn.compile(model)
    for call in (f, model, model.predict):
        with pytest.raises(ValueError, match="Label 99 in row 6"):
            call(numbers(7))
        assert call(numbers(6)).shape == (6, 1)


# ---- threads, processes


@pytest.mark.parametrize("rows", [1, 64, 700])
def test_threads_get_their_own_results(rows):
    """Small calls hold the GIL, large ones run at the same time in lanes of their own."""
    model = Sequential([Input((64,)), Dense(300, "relu"), Dense(200, "tanh"), Dense(10, "softmax")])
    f = fastnn.compile(model)
    xs = [numbers(rows + i, 64)[:rows] for i in range(4)]
    expected = [fastnn.compile(model)(x) for x in xs]
    start, wrong = threading.Barrier(8), []

    def work(i):
        call = (f, model, lambda x: model.predict(x, batch_size=rows), model.predict)[i // 2]
        start.wait()
        for _ in range(40):
            if not np.array_equal(call(xs[i % 4]), expected[i % 4]):
                wrong.append(i)

    workers = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not wrong and not any(worker.is_alive() for worker in workers)


def test_first_calls_at_the_same_time():
    """Each thread plans for itself, while others lay out weights and plan."""
    x = numbers(3)
    for _ in range(20):
        model = network()
        results, start = [], threading.Barrier(6)

        def work(i, model=model, results=results, start=start):
            start.wait()
            call = (fastnn.compile(model), model, model.predict)[i % 3]
            results.append(call(x[: 1 + i % 2]))

        workers = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(6)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert len(results) == 6
        for result in results:
            np.testing.assert_array_equal(result, model(x)[: len(result)])


FORKS = """
import os, signal, threading, time
import numpy as np
import fastnn
from fastnn.keras import Sequential
from fastnn.keras.layers import Dense, Input
from fastnn.graph import planning

fastnn.set_num_threads(2)
model = Sequential([Input((64,)), Dense(512, "relu"), Dense(512, "relu"), Dense(3)])
f = fastnn.compile(model)
small, large = np.ones((1, 64), "float32"), np.ones((2000, 64), "float32")
expected = f(large)
assert np.array_equal(f(small)[0], expected[0])

def in_child(check):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os._exit(0 if check() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def works():
    new = np.array_equal(f(large[:77]), expected[:77])  # is planned
    return new and np.array_equal(f(small)[0], expected[0]) and np.array_equal(f(large), expected)

going = True
def call():
    while going:
        f(large)
def plan():
    while going:
        with planning():
            time.sleep(1e-3)
workers = [threading.Thread(target=target) for target in (call, call, plan)]
for worker in workers:
    worker.start()
for _ in range(10):  # in the middle of other threads' calls
    assert in_child(works) == 0
going = False
for worker in workers:
    worker.join()
assert works() and in_child(works) == 0
"""


def test_fork():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(FORKS)],
        env=dict(os.environ), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


# ---- memory


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("way", ["compiled", "call", "predict", "predict with a bar"])
def test_memory_stays_flat(way, capsys):
    """Without the garbage collector. A result is over 150 bytes: 3 MiB were they kept."""
    model, x = network(), numbers(1)
    call = {
        "compiled": fastnn.compile(model),
        "call": model,
        "predict": model.predict,
        "predict with a bar": lambda x: model.predict(x, verbose=2),
    }[way]
    gc.collect()
    gc.disable()
    try:
        for _ in range(500):
            call(x)
        before = resident()
        for _ in range(2_000 if "bar" in way else 20_000):
            call(x)
        capsys.readouterr()
        assert resident() - before < (1 << 18 if "bar" in way else 1 << 20)
    finally:
        gc.enable()


def test_a_call_allocates_the_result_and_nothing_else():
    f, x = fastnn.compile(network(), batch_size=1), numbers(1)
    out = f(x)
    tracemalloc.start()
    try:
        f(x, out=out)
        for use in (lambda: f(x), lambda: None):
            use()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(1000):
            f(x, out=out)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 500  # the loop's own variables


def test_it_keeps_its_model_and_nobody_keeps_it():
    gc.collect()
    gc.disable()
    try:
        f = fastnn.compile(network())
        assert f(numbers()).shape == (7, CLASSES)
        gone = weakref.ref(f.model), weakref.ref(f)
        assert gone[0]() is not None
        del f
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()
