"""Layers: what they compute, their names, weights, shapes, configs, errors."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import layers, ops
from fastnn.graph import Graph
from fastnn.utils import clear_session
from tests.evaluate import evaluate, placeholder

X = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)


def traced(layer, x, training=False, **run):
    """The layer's output on symbolic tensors, by the references, in float64."""
    tensor = placeholder(x)
    with Graph() as graph:
        y = layer(tensor, training=training)
    return evaluate(graph, y, known={tensor: x.astype(np.float64)}, **run)


def softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


ELEMENTWISE = {
    "relu": (layers.ReLU(), lambda x: np.maximum(x, 0)),
    "relu, all arguments": (
        layers.ReLU(max_value=0.9, negative_slope=0.2, threshold=0.3),
        lambda x: np.where(x >= 0.9, 0.9, np.where(x > 0.3, x, 0.2 * (x - 0.3))),
    ),
    "relu, slope only": (layers.ReLU(negative_slope=0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
    "leaky relu": (layers.LeakyReLU(), lambda x: np.where(x > 0, x, 0.3 * x)),
    "leaky relu, slope": (layers.LeakyReLU(0.1), lambda x: np.where(x > 0, x, 0.1 * x)),
    "elu": (layers.ELU(0.7), lambda x: np.where(x > 0, x, 0.7 * np.expm1(np.minimum(x, 0)))),
    "softmax": (layers.Softmax(), lambda x: softmax(x, -1)),
    "softmax, axis": (layers.Softmax(axis=0), lambda x: softmax(x, 0)),
    "activation": (layers.Activation("tanh"), np.tanh),
    "activation, slope of the function": (
        layers.Activation("leaky_relu"),
        lambda x: np.where(x > 0, x, 0.2 * x),
    ),
    "rescaling": (layers.Rescaling(1 / 255, 0.5), lambda x: x / 255 + 0.5),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_layers(name):
    layer, formula = ELEMENTWISE[name]
    expected = formula(X.astype(np.float64))
    np.testing.assert_allclose(traced(layer, X), expected, rtol=1e-14, atol=1e-15)
    # natively: 4 ulp for a function, a few more roundings around it
    np.testing.assert_allclose(layer(X), expected, rtol=16 * 2**-24, atol=2**-24)
    assert layer.compute_output_shape((None, 6)) == (None, 6)
    assert layer.weights == [] and layer.count_params() == 0


@pytest.mark.parametrize("shape", [(5, 6), (5, 2, 6), (5, 2, 3, 6)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_dense_acts_on_the_last_axis(shape, use_bias):
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    layer = layers.Dense(4, activation="sigmoid", use_bias=use_bias, bias_initializer="normal")
    got = traced(layer, x)
    kernel, *bias = (w.astype(np.float64) for w in layer.get_weights())
    assert kernel.shape == (6, 4) and [b.shape for b in bias] == [(4,)] * use_bias
    expected = 1 / (1 + np.exp(-(x.astype(np.float64) @ kernel + (bias[0] if bias else 0))))
    np.testing.assert_allclose(got, expected, rtol=1e-13)
    # natively: 7 products and sums below |x| |w|, times the slope of at most 1/4
    bound = 2**-24 * (8 * np.abs(x) @ np.abs(kernel) + 8)
    assert (np.abs(layer(x) - expected) <= bound).all()
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *shape[1:-1], 4)


def test_dense_keeps_the_pattern_that_the_planner_fuses():
    with Graph() as graph:
        layers.Dense(4, activation="relu")(placeholder(X))
    assert [n.op.name for n in graph.nodes] == ["matmul", "add", "relu"]
    assert {n.label for n in graph.nodes} == {graph.nodes[0].label} != {""}


SHAPES = [
    (layers.Flatten(), (5, 2, 3), (5, 6)),
    (layers.Flatten(), (5,), (5, 1)),
    (layers.Reshape((3, 2)), (5, 6), (5, 3, 2)),
    (layers.Reshape((3, -1)), (5, 2, 6), (5, 3, 4)),
    (layers.Reshape((-1,)), (5, 2, 6), (5, 12)),
    (layers.Reshape((1, 6)), (5, 6), (5, 1, 6)),
]


@pytest.mark.parametrize(("layer", "before", "after"), SHAPES)
def test_shape_layers_keep_the_order_of_values(layer, before, after):
    x = np.arange(np.prod(before), dtype=np.float32).reshape(before)
    np.testing.assert_array_equal(layer(x), x.reshape(after))
    assert layer.compute_output_shape((None, *before[1:])) == (None, *after[1:])


def test_dropout():
    x = np.ones((200, 50), np.float32)
    layer = layers.Dropout(0.3)
    np.testing.assert_array_equal(traced(layer, x), x)
    y = traced(layer, x, training=True, step=2, seed=9)
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.7])
    # 10,000 draws: 5 standard errors
    assert abs((y == 0).mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / y.size)
    np.testing.assert_array_equal(y, traced(layer, x, training=True, step=2, seed=9))
    for other in ({"step": 3, "seed": 9}, {"step": 2, "seed": 8}):
        assert not np.array_equal(y, traced(layer, x, training=True, **other))
    layer.stream = 1
    assert not np.array_equal(y, traced(layer, x, training=True, step=2, seed=9))
    np.testing.assert_array_equal(traced(layers.Dropout(1.0), x, training=True), 0 * x)
    np.testing.assert_array_equal(traced(layers.Dropout(0.0), x, training=True), x)


def test_dropouts_own_seed_chooses_the_mask_wherever_the_layer_stands():
    x = np.ones((20, 50), np.float32)
    a, b, c = layers.Dropout(0.5, seed=4), layers.Dropout(0.5, seed=4), layers.Dropout(0.5, seed=5)
    b.stream = 7
    mask = traced(a, x, training=True)
    np.testing.assert_array_equal(mask, traced(b, x, training=True))
    assert not np.array_equal(mask, traced(c, x, training=True))


def test_activity_regularizer_is_divided_by_the_rows():
    layer = layers.Dense(3, activity_regularizer="l2")
    tensor = placeholder(X)
    with Graph() as graph:
        y = layer(tensor)
    (penalty,) = graph.losses
    value, out = evaluate(graph, penalty, y, known={tensor: X.astype(np.float64)})
    assert value == pytest.approx(0.01 * (out**2).sum() / 5)


def test_weight_regularizers_stay_with_the_weights():
    layer = layers.Dense(3, kernel_regularizer="l1", bias_regularizer="l2")
    layer.build((None, 4))
    assert type(layer.kernel.regularizer).__name__ == "L1"
    assert type(layer.bias.regularizer).__name__ == "L2"


def test_names_are_numbered_by_class():
    clear_session()
    names = [layers.Dense(1).name, layers.Dense(2).name, layers.LeakyReLU().name, layers.ELU().name]
    assert names == ["dense", "dense_1", "leaky_re_lu", "elu"]
    assert layers.ReLU().name == "re_lu" and layers.Input((1,)).name == "input_layer"
    assert layers.Dense(1, name="mine").name == "mine" and layers.Dense(1).name == "dense_2"
    clear_session()
    assert layers.Dense(1).name == "dense"


def test_weights():
    layer = layers.Dense(3, name="d")
    assert layer.weights == [] and not layer.built
    with pytest.raises(ValueError, match="build"):
        layer.count_params()
    layer.build((None, 4))
    layer.build((None, 4))  # a second time: nothing
    assert [w.path for w in layer.weights] == ["d/kernel", "d/bias"]
    assert layer.count_params() == 15
    new = [np.arange(12.0).reshape(4, 3), np.ones(3)]
    layer.set_weights(new)
    for got, given in zip(layer.get_weights(), new, strict=True):
        np.testing.assert_array_equal(got, given)
        assert got.dtype == np.float32
    got[...] = 5  # a copy
    assert (layer.get_weights()[1] == 1).all()


def test_trainable_reaches_weights_and_layers_inside():
    class Pair(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.stack = [layers.Dense(3), layers.Dense(2)]

        def build(self, input_shape):
            self.scale = self.add_weight((2,), "ones", name="scale")
            self.count = self.add_weight((), "zeros", trainable=False, name="count")

        def call(self, x):
            return ops.multiply(self.stack[1](self.stack[0](x)), self.scale)

    pair = Pair()
    x = X.astype(np.float64)
    y = traced(pair, X)
    first, second = pair.stack
    k1, b1, k2, b2 = (w.astype(np.float64) for w in first.get_weights() + second.get_weights())
    np.testing.assert_allclose(y, (x @ k1 + b1) @ k2 + b2, rtol=1e-12)
    assert [w.name for w in pair.weights[:2]] == ["scale", "count"] and len(pair.weights) == 6
    assert len(pair.trainable_weights) == 5 and len(pair.non_trainable_weights) == 1
    pair.trainable = False
    assert pair.trainable_weights == [] and not first.trainable
    pair.trainable = True
    assert len(pair.trainable_variables) == 5 and not pair.count.trainable


def test_weights_made_frozen_can_be_freed():
    layer = layers.Dense(3, trainable=False)
    layer.build((None, 2))
    assert layer.trainable_weights == []
    layer.trainable = True
    assert len(layer.trainable_weights) == 2


ALL = [
    layers.Input((3, 4), batch_size=2, name="in"),
    layers.Dense(
        3, "gelu", False, "he_normal", kernel_regularizer="l2", activity_regularizer="l1",
        trainable=False, name="d",
    ),
    layers.Flatten(),
    layers.Reshape((2, -1)),
    layers.Activation("swish"),
    layers.ReLU(6.0, 0.1, 0.2),
    layers.LeakyReLU(0.05),
    layers.ELU(0.5),
    layers.Softmax(1),
    layers.Dropout(0.25, seed=3),
    layers.Rescaling(0.1, -1.0),
]  # fmt: skip


@pytest.mark.parametrize("layer", ALL, ids=lambda layer: type(layer).__name__)
def test_a_config_makes_the_same_layer(layer):
    config = layers.serialize(layer)
    again = layers.deserialize(config)
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
    assert again.name == layer.name and again.trainable == layer.trainable


def test_declared_shapes():
    assert layers.Dense(1, input_shape=(3, 4)).declared_input_shape == (None, 3, 4)
    assert layers.Dense(1, input_dim=7, batch_size=2).declared_input_shape == (2, 7)
    assert layers.Dense(1).declared_input_shape is None
    assert layers.Input((28, 28)).batch_shape == (None, 28, 28)
    assert layers.Input(batch_shape=(8, 3)).batch_shape == (8, 3)
    assert layers.Input(()).batch_shape == (None,)


def built(units):
    layer = layers.Dense(units)
    layer.build((None, 4))
    return layer


WRONG = [
    (lambda: layers.Dense(0), ValueError, "units=0"),
    (lambda: layers.Dense(2.5), ValueError, "units=2.5"),
    (lambda: layers.Dense("10"), ValueError, "units='10'"),
    (lambda: layers.Dense(3, activations="relu"), TypeError, "'activations'"),
    (lambda: layers.Dense(3, activation="ReLU"), ValueError, "'ReLU'"),
    (lambda: layers.Dense(3, kernel_initializer="random"), ValueError, "'random'"),
    (lambda: layers.Dense(3, kernel_regularizer="l7"), ValueError, "'l7'"),
    (lambda: layers.Dense(3, kernel_constraint="max_norm"), ValueError, "kernel_constraint"),
    (lambda: layers.Dense(3, lora_rank=4), ValueError, "lora_rank"),
    (lambda: layers.Dense(3, dtype="float16"), ValueError, "float16"),
    (lambda: layers.Dense(3, trainable="yes"), ValueError, "trainable"),
    (lambda: layers.Dense(3, name=5), ValueError, "name"),
    (lambda: layers.Dense(3, autocast=False), ValueError, "autocast"),
    (lambda: layers.Dense(3, input_shape=784), ValueError, "784"),
    (lambda: layers.Dense(3, input_shape=(-1,)), ValueError, "-1"),
    (lambda: layers.Dense(3, input_dim=3, input_shape=(3,)), ValueError, "input_dim"),
    (lambda: layers.Dense(3).build((None,)), ValueError, "at least 2 axes"),
    (lambda: layers.Dense(3).build((None, None)), ValueError, "known"),
    (lambda: built(3)(np.ones((2, 5), np.float32)), ValueError, "4 values"),
    (lambda: built(3).set_weights([np.ones((4, 3))]), ValueError, "2 arrays"),
    (lambda: built(3).set_weights([np.ones((3, 4)), np.ones(3)]), ValueError, r"\(3, 4\)"),
    (lambda: layers.Dense(3)(layers.Input((4,))), TypeError, "Sequential"),
    (lambda: layers.Input(), ValueError, "shape"),
    (lambda: layers.Input((3,), batch_shape=(1, 3)), ValueError, "batch_shape"),
    (lambda: layers.Input((3,), sparse=True), ValueError, "sparse"),
    (lambda: layers.Input("abc"), ValueError, "abc"),
    (lambda: layers.Input((3,), dtype="complex64"), ValueError, "complex64"),
    (lambda: layers.Flatten("channels_first"), ValueError, "channels_first"),
    (lambda: layers.Reshape((-1, -1)), ValueError, "-1"),
    (lambda: layers.Reshape((2.5,)), ValueError, "2.5"),
    (lambda: layers.Reshape((4,)).compute_output_shape((None, 6)), ValueError, r"\(6,\)"),
    (lambda: layers.Reshape((4, -1)).compute_output_shape((None, 6)), ValueError, r"\(6,\)"),
    (lambda: layers.Activation("softmin"), ValueError, "softmin"),
    (lambda: layers.ReLU(max_value=-1), ValueError, "max_value"),
    (lambda: layers.ReLU(negative_slope=None), ValueError, "negative_slope"),
    (lambda: layers.LeakyReLU(-0.1), ValueError, "negative_slope"),
    (lambda: layers.ELU("1"), ValueError, "alpha"),
    (lambda: layers.Softmax((0, 1)), ValueError, "axis"),
    (lambda: layers.Dropout(1.5), ValueError, "rate"),
    (lambda: layers.Dropout("half"), ValueError, "rate"),
    (lambda: layers.Dropout(0.5, noise_shape=(1,)), ValueError, "noise_shape"),
    (lambda: layers.Dropout(0.5, seed=0.5), ValueError, "seed"),
    (lambda: layers.Rescaling("1/255"), ValueError, "scale"),
    (lambda: layers.deserialize({"class_name": "Lambda", "config": {}}), ValueError, "Lambda"),
    (lambda: layers.deserialize({"config": {}}), ValueError, "class_name"),
    (lambda: layers.deserialize(["Dense", 3]), ValueError, "class_name"),
    (lambda: layers.deserialize({"class_name": "Dense", "config": 3}), ValueError, "config"),
    (
        lambda: layers.deserialize({"class_name": "Dense", "config": {"units": 3, "hook": 1}}),
        TypeError,
        "'hook'",
    ),
    (lambda: layers.Layer()(X), NotImplementedError, "call"),
    (lambda: layers.Layer().add_weight((2,), constraint="unit"), ValueError, "constraint"),
    (lambda: layers.Layer().add_weight((2,), regulariser="l2"), TypeError, "regulariser"),
    (lambda: layers.Layer().add_weight((2,), np.ones(3)), ValueError, "shape"),
]


@pytest.mark.parametrize(("make", "error", "message"), WRONG)
def test_wrong_use_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_function_of_the_users_own_works_but_has_no_name_for_a_file():
    layer = layers.Dense(3, activation=lambda x: ops.square(x))
    assert (traced(layer, X) >= 0).all()
    with pytest.raises(ValueError, match="cannot be saved"):
        layer.get_config()

    class Mine(layers.Layer):
        pass

    with pytest.raises(ValueError, match="Mine.* cannot be saved"):
        layers.serialize(Mine())
