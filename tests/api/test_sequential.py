"""Sequential: the chain, its shapes, its weights, its configuration, its summary."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import ops
from fastnn.graph import Graph, Tensor
from fastnn.keras import Input, Sequential, layers, utils
from fastnn.keras.layers import Activation, Dense, Dropout, Flatten, InputLayer, Rescaling, Reshape


def data(rows=6, features=4, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, features)).astype(np.float32)


def by_hand(model, x):
    """The output of a chain of Dense layers, relu between them, in float64."""
    weights = [w.astype(np.float64) for w in model.get_weights()]
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        x = x @ kernel + bias
        if kernel is not weights[-2]:
            x = np.maximum(x, 0)
    return x


# ---- building


@pytest.mark.parametrize(
    "first",
    [
        [Input((4,)), Dense(5, activation="relu")],
        [InputLayer(shape=(4,)), Dense(5, activation="relu")],
        [Dense(5, activation="relu", input_shape=(4,))],
        [Dense(5, activation="relu", input_dim=4)],
    ],
)
def test_built_as_soon_as_the_input_shape_is_known(first):
    model = Sequential([*first, Dense(2)])
    assert model.built
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    assert [w.shape for w in model.weights] == [(4, 5), (5,), (5, 2), (2,)]
    x = data()
    np.testing.assert_allclose(model(x), by_hand(model, x), rtol=0, atol=1e-5)


def test_add_builds_layer_by_layer():
    model = Sequential()
    model.add(Input((4,)))
    assert not model.built
    model.add(Dense(5))
    assert model.output_shape == (None, 5) and len(model.weights) == 2
    model.add(Dense(2))
    assert model.output_shape == (None, 2) and len(model.weights) == 4


@pytest.mark.parametrize("use", ["call", "predict", "fit", "build"])
def test_deferred_build(use):
    model = Sequential([Dense(5, activation="relu"), Dense(2)])
    assert not model.built and model.weights == [] and model.get_weights() == []
    with pytest.raises(AttributeError, match="no input shape yet"):
        _ = model.input_shape
    with pytest.raises(ValueError, match="not made yet"):
        model.count_params()
    x = data()
    if use == "call":
        assert model(x).shape == (6, 2)
    elif use == "predict":
        assert model.predict(x).shape == (6, 2)
    elif use == "fit":
        model.compile("sgd", "mse")
        model.fit(x, np.zeros((6, 2)), verbose=0)
    else:
        model.build((None, 4))
    assert model.built and model.count_params() == 4 * 5 + 5 + 5 * 2 + 2
    assert model.input_shape == (None, 4)


def test_compile_before_build_keeps_the_weights_that_come():
    model = Sequential([Dense(2)])
    model.compile("sgd", "mse")
    model.build((None, 4))
    before = model.get_weights()
    model.evaluate(data(), np.zeros((6, 2)), verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_pop_and_add_change_a_compiled_model():
    model = Sequential([Input((4,)), Dense(5), Dense(2)])
    model.compile("sgd", "mse")
    x = data()
    assert model.predict(x).shape == (6, 2)
    dense, relu = model.pop(), Activation("relu")
    assert model.output_shape == (None, 5)
    assert model(x).shape == (6, 5) and model.predict(x).min() < 0
    model.add(relu)  # has no weights, yet the programs planned before are void
    assert model.predict(x).min() == 0 and model(x).min() == 0
    model.add(dense)
    model.fit(x, np.zeros((6, 2)), verbose=0)
    assert model.predict(x).shape == (6, 2)
    assert Sequential([Input((4,))]).pop().name.startswith("input")
    with pytest.raises(IndexError, match="has no layers"):
        Sequential().pop()


def test_a_layer_that_does_not_fit_is_not_added():
    model = Sequential([Input((4,)), Dense(5)])
    with pytest.raises(ValueError, match="7"):
        model.add(Reshape((7, 3)))
    assert [type(layer) for layer in model.layers] == [Dense] and model.built
    assert model(data()).shape == (6, 5)


def test_layers_leave_out_the_input():
    model = Sequential([Input((28, 28)), Flatten(name="flat"), Dense(3, name="last")])
    assert [layer.name for layer in model.layers] == ["flat", "last"]
    assert model.get_layer("last") is model.layers[1] is model.get_layer(index=-1)


def test_the_same_layer_twice_shares_its_weights():
    shared = Dense(4)
    model = Sequential([Input((4,)), shared, shared])
    assert len(model.weights) == 2
    kernel, bias = model.get_weights()
    x = data()
    np.testing.assert_allclose(model(x), (x @ kernel + bias) @ kernel + bias, atol=1e-5)
    model.compile("sgd", "mse")
    model.fit(x, x, verbose=0)
    assert not np.array_equal(model.get_weights()[0], kernel)


def test_nested_models():
    inner = Sequential([Dense(5, activation="relu"), Dropout(0.5)])
    model = Sequential([Input((4,)), inner, Dropout(0.5), Dense(2)])
    x = data()
    np.testing.assert_allclose(model(x), by_hand(model, x), atol=1e-5)
    assert inner.built and inner.output_shape == (None, 5)
    assert inner(x).shape == (6, 5)
    first, second = inner.layers[1], model.layers[1]
    assert first.stream != second.stream  # different random numbers
    # A model whose shape is known needs no Input before it.
    assert Sequential([inner, Dense(1)]).input_shape == (None, 4)


class Residual(layers.Layer):
    """x + dense(x); the layer inside is built when it is first called."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = Dense(4)

    def call(self, x):
        return ops.add(x, self.dense(x))


def test_layers_of_ones_own_and_the_layers_inside_them():
    model = Sequential([Input((4,)), Residual(name="residual"), Dense(2)])
    assert [w.shape for w in model.weights] == [(4, 4), (4,), (4, 2), (2,)]
    w, b, v, c = model.get_weights()
    x = data()
    np.testing.assert_allclose(model(x), (x + x @ w + b) @ v + c, atol=1e-5)
    model.compile("sgd", "mse")
    model.fit(x, np.zeros((6, 2)), verbose=0)
    assert not np.array_equal(model.get_weights()[0], w)


# ---- calling


def test_call_on_a_symbolic_tensor_emits_ops():
    model = Sequential([Input((4,)), Dense(5, name="first"), Dense(2)])
    with Graph() as graph:
        y = model(Tensor((3, 4)))
    assert y.shape == (3, 2)
    assert "first" in {node.label for node in graph.nodes}


def test_call_converts_what_comes():
    model = Sequential([Input((4,)), Dense(2)])
    x = np.arange(24).reshape(6, 4)
    expected = model(x.astype(np.float32))
    for given in (x, x.tolist(), x.astype(np.uint8), x.astype(np.float64), x.astype(np.float16)):
        np.testing.assert_array_equal(model(given), expected)
    np.testing.assert_array_equal(model(np.asfortranarray(x)), expected)
    predicted = model.predict_on_batch(x)
    # On another device the four products may be added in another order; no bias is added yet.
    exact = fastnn.default_device() == "cpu"
    size = np.abs(x) @ np.abs(model.get_weights()[0])
    assert (np.abs(predicted - expected) <= (0 if exact else 2 * 4 * 2.0**-24 * size)).all()
    assert predicted.dtype == expected.dtype == np.float32


def test_a_last_axis_of_one_may_be_missing_or_too_many():
    model = Sequential([Input((1,)), Dense(2)])
    x = data(6, 1)
    np.testing.assert_array_equal(model(x[:, 0]), model(x))
    image = Sequential([Input((3, 3)), Flatten()])
    assert image(np.zeros((6, 3, 3, 1))).shape == (6, 9)


def test_training_true_drops():
    model = Sequential([Input((1000,)), Dropout(0.5)])
    x = np.ones((1, 1000), np.float32)
    np.testing.assert_array_equal(model(x), x)
    np.testing.assert_array_equal(model.predict(x), x)
    dropped = model(x, training=True)
    assert set(np.unique(dropped)) == {0.0, 2.0}
    assert 400 < (dropped == 0).sum() < 600  # 6 standard deviations
    assert not np.array_equal(model(x, training=True), dropped)


# ---- weights


def test_get_and_set_weights():
    model, other = (Sequential([Input((4,)), Dense(5), Dense(2)]) for _ in range(2))
    x = data()
    assert not np.array_equal(model(x), other(x))
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(model(x), other(x))
    copies = model.get_weights()
    copies[0][...] = 0
    assert model.get_weights()[0].any()


def test_set_weights_reaches_programs_that_exist():
    model = Sequential([Input((4,)), Dense(2)])
    x = data()
    model(x), model.predict(x)
    model.set_weights([np.zeros((4, 2)), np.array([1, 2])])
    for y in (model(x), model.predict(x)):
        np.testing.assert_array_equal(y, np.tile([1, 2], (6, 1)))


def test_save_and_load_weights(tmp_path):
    path = tmp_path / "w.safetensors"

    def make():
        return Sequential([Input((4,)), Dense(5, name="a"), Dense(2, name="b")])

    model, other = make(), make()
    model.save_weights(path)
    other.load_weights(path)
    np.testing.assert_array_equal(model(data()), other(data()))
    with pytest.raises(FileExistsError, match="w.safetensors"):
        model.save_weights(path, overwrite=False)


def test_trainable():
    model = Sequential([Input((4,)), Dense(5), Dense(2)])
    model.layers[0].trainable = False
    assert len(model.trainable_weights) == len(model.non_trainable_weights) == 2
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(data(), np.ones((6, 2)), verbose=0)
    moved = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert moved == [False, False, True, True]
    model.trainable = False
    assert model.trainable_weights == []
    model.trainable = True
    assert len(model.trainable_weights) == 4
    assert Sequential([Input((4,)), Dense(2)], trainable=False).trainable_weights == []


# ---- configuration


def test_config_round_trip():
    model = Sequential(
        [
            Input((2, 2)),
            Rescaling(0.5),
            Flatten(),
            Sequential([Dense(3, activation="gelu", name="inner")], name="nested"),
            Dropout(0.25),
            Dense(2, kernel_regularizer="l2", name="last"),
        ],
        name="whole",
    )
    copy = Sequential.from_config(model.get_config())
    assert copy.get_config() == model.get_config()
    assert copy.name == "whole" and copy.built
    copy.set_weights(model.get_weights())
    x = data(5, 4).reshape(5, 2, 2)
    np.testing.assert_array_equal(copy(x), model(x))


def test_config_of_deferred_models():
    model = Sequential([Dense(3)])
    assert not Sequential.from_config(model.get_config()).built
    model.build((None, 4))
    assert Sequential.from_config(model.get_config()).input_shape == (None, 4)


# ---- names and seeds


def test_names_count_up():
    utils.clear_session()
    models = [Sequential([Dense(1), Dense(1)]) for _ in range(2)]
    assert [m.name for m in models] == ["sequential", "sequential_1"]
    assert [layer.name for m in models for layer in m.layers] == [
        "dense",
        "dense_1",
        "dense_2",
        "dense_3",
    ]


def test_a_seed_fixes_the_weights():
    def weights(seed):
        utils.set_random_seed(seed)
        return Sequential([Input((4,)), Dense(5)]).get_weights()[0]

    np.testing.assert_array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))


# ---- looking at it


SUMMARY = """\
Model: "small"
┏━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━┳━━━━━━━━┓
┃ Layer (type)   ┃ Output Shape ┃ Param # ┃  FLOPs ┃  Bytes ┃
┡━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━╇━━━━━━━━┩
│ flat (Flatten) │ (None, 784)  │       0 │      0 │      0 │
├────────────────┼──────────────┼─────────┼────────┼────────┤
│ out (Dense)    │ (None, 10)   │   7,850 │ 15.7 k │ 34.7 k │
└────────────────┴──────────────┴─────────┴────────┴────────┘
 Total params: 7,850 (30.66 KB)
 Trainable params: 7,850 (30.66 KB)
 Non-trainable params: 0 (0.00 B)
 A row: 15.7 kFLOP forward, 34.7 kB
"""


def test_summary(capsys):
    layers_ = [Input((28, 28)), Flatten(name="flat"), Dense(10, name="out")]
    model = Sequential(layers_, name="small")
    model.summary()
    assert capsys.readouterr().out == SUMMARY


def test_summary_says_more_when_asked(capsys):
    model = Sequential([Sequential([Dense(3, name="inner")], name="nest"), Dense(2, name="out")])
    model.summary()
    assert "0 (unbuilt)" in capsys.readouterr().out
    model.build((None, 4))
    model.compile("adam", "mse")
    model.layers[1].trainable = False
    lines: list[str] = []
    model.summary(print_fn=lines.append, expand_nested=True, show_trainable=True)
    text = "\n".join(lines)
    assert "   └ inner (Dense)" in text and "Trainable" in text
    assert [line.split()[-2] for line in text.splitlines() if "(Dense)" in line] == ["Y", "N"]
    assert " Non-trainable params: 8 (32.00 B)" in text
    assert " Optimizer params: 30 (120.00 B)" in text
    model.summary(layer_range=("out", "out"))
    assert "nest" not in capsys.readouterr().out
    with pytest.raises(ValueError, match="nowhere"):
        model.summary(layer_range=("nowhere", "out"))
    with pytest.raises(ValueError, match="pair"):
        model.summary(layer_range="out")


def test_plan():
    model = Sequential([Input((4,)), Dense(2)])
    model.compile("adam", "mse")
    text = str(model.plan(batch_size=8))
    assert "adam" in text and "8x4" in text and "arena" in text
    assert "adam" not in str(model.plan(8, training=False))
