"""Dtype policies: `keras.mixed_precision`, and what "mixed_bfloat16" does to layers."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import keras, ops
from fastnn.keras import layers, mixed_precision
from fastnn.ops._bf16 import round_to_bf16

MIXED = "mixed_bfloat16"


@pytest.fixture(autouse=True)
def settings_restored():
    yield
    mixed_precision.set_global_policy("float32")
    fastnn.set_matmul_precision("highest")


def precisions(plan) -> list[str]:
    """Of the plan's products, in order."""
    return [s.node.attrs["precision"] for s in plan.steps if s.opcode.startswith("matmul")]


def forward(model) -> list[str]:
    return precisions(fastnn.Trainer(model).plan(4, training=False))


# ---- policies


def test_policies_are_keras():
    policy = mixed_precision.Policy(MIXED)
    assert (policy.name, policy.compute_dtype, policy.variable_dtype) == (
        MIXED, "bfloat16", "float32",
    )  # fmt: skip
    assert repr(policy) == '<DTypePolicy "mixed_bfloat16">'
    assert policy == keras.DTypePolicy(MIXED) != keras.DTypePolicy("float32")
    assert len({policy, keras.DTypePolicy(MIXED)}) == 1
    assert policy != MIXED
    assert mixed_precision.Policy is keras.DTypePolicy is keras.dtype_policies.DTypePolicy
    assert keras.DTypePolicy().name == "float32"


def test_policies_travel_as_keras_writes_them():
    config = {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": MIXED},
        "registered_name": None,
    }
    assert keras.dtype_policies.serialize(keras.DTypePolicy(MIXED)) == config
    assert keras.dtype_policies.deserialize(config) == keras.DTypePolicy(MIXED)
    assert layers.Dense(3, dtype=config).dtype_policy.name == MIXED
    for wrong in ({}, {**config, "class_name": "GPTQDTypePolicy"}, {**config, "config": None}):
        with pytest.raises(ValueError, match="no dtype policy that fastnn knows"):
            keras.dtype_policies.deserialize(wrong)


def test_the_global_policy():
    assert keras.config.dtype_policy() == keras.DTypePolicy("float32")
    for policy in (MIXED, keras.DTypePolicy("float32"), keras.DTypePolicy(MIXED), None):
        mixed_precision.set_global_policy(policy)
        assert mixed_precision.global_policy() == keras.dtype_policies.get(policy)
    assert keras.config.dtype_policy().name == "float32"
    keras.config.set_dtype_policy(MIXED)
    assert mixed_precision.dtype_policy().name == keras.dtype_policies.get(None).name == MIXED


@pytest.mark.parametrize(
    "name, message",
    [
        ("mixed_float16", "'mixed_float16' is not supported by fastnn; .* no loss scaling"),
        ("bfloat16", "'bfloat16' is not supported by fastnn; 'float32' and 'mixed_bfloat16' are"),
        ("float64", "'float64' is not supported"),
        ("int8_from_float32", "'int8_from_float32' is not supported"),
        ("mixed", "there is no policy 'mixed'; 'float32' and 'mixed_bfloat16' are supported"),
    ],
)
def test_other_policies_are_refused_by_name(name, message):
    for call in (keras.DTypePolicy, mixed_precision.set_global_policy, keras.dtype_policies.get):
        with pytest.raises(ValueError, match=message):
            call(name)
    with pytest.raises(ValueError, match=rf"Dense\(dtype='{name}'\): .*{message}"):
        layers.Dense(3, dtype=name)
    assert mixed_precision.global_policy().name == "float32"


def test_what_is_no_policy_is_refused():
    with pytest.raises(TypeError, match="a name such as 'mixed_bfloat16' is due. Received: 3"):
        keras.DTypePolicy(3)
    with pytest.raises(ValueError, match="is due. Received: 3"):
        mixed_precision.set_global_policy(3)
    with pytest.raises(ValueError, match=r"Dense\(dtype=3\): .*Received: 3"):
        layers.Dense(3, dtype=3)


# ---- layers


def test_a_layer_keeps_the_policy_that_it_was_made_under():
    before = layers.Dense(3)
    mixed_precision.set_global_policy(MIXED)
    mixed, own = layers.Dense(3), layers.Dense(3, dtype="float32")
    mixed_precision.set_global_policy("float32")
    after = layers.Dense(3, dtype=keras.DTypePolicy(MIXED))
    names = [layer.dtype_policy.name for layer in (before, mixed, own, after)]
    assert names == ["float32", MIXED, "float32", MIXED]
    assert (mixed.compute_dtype, mixed.variable_dtype, mixed.dtype) == (
        "bfloat16", "float32", "float32",
    )  # fmt: skip
    assert own.compute_dtype == "float32"
    again = layers.Dense.from_config(mixed.get_config())
    assert again.dtype_policy == mixed.dtype_policy


def test_weights_and_results_are_float32():
    mixed_precision.set_global_policy(MIXED)
    model = keras.Sequential([layers.Input((20,)), layers.Dense(30, "relu"), layers.Dense(3)])
    assert {w.dtype for w in model.weights} == {"float32"}
    x = np.ones((5, 20), np.float32)
    assert model(x).dtype == model.predict(x, verbose=0).dtype == np.float32
    assert layers.Dense(4)(x).dtype == np.float32


def test_products_of_mixed_layers_are_medium_whatever_is_set():
    model = keras.Sequential(
        [
            layers.Input((20,)),
            layers.Dense(30, "relu", dtype=MIXED),
            layers.Dense(30, "relu"),
            layers.Dense(3, dtype=MIXED),
        ]
    )
    for setting in ("highest", "high", "medium"):
        fastnn.set_matmul_precision(setting)
        assert forward(model) == ["medium", setting, "medium"]


def test_gradients_of_mixed_layers_are_medium():
    model = keras.Sequential(
        [layers.Input((20,)), layers.Dense(30, "relu", dtype=MIXED), layers.Dense(3)]
    )
    trainer = fastnn.Trainer(model, "sgd", "mse")
    by_layer = {}
    for step in trainer.plan(8).steps:
        if step.opcode.startswith("matmul"):
            layer = step.node.label.split("/")[0]
            by_layer.setdefault(layer, []).append(step.node.attrs["precision"])
    # Forward, and the gradient of the weights; the last layer's input has one too.
    assert sorted(map(tuple, by_layer.values())) == [("highest",) * 3, ("medium",) * 2]


def test_a_layer_of_ones_own_has_its_policy_too():
    class Twice(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight((input_shape[-1], 4))

        def call(self, x):
            return ops.add(ops.matmul(x, self.w), ops.matmul(x, self.w, precision="high"))

        def compute_output_shape(self, input_shape):
            return (input_shape[0], 4)

    mixed_precision.set_global_policy(MIXED)
    model = keras.Sequential([layers.Input((20,)), Twice(), layers.Dense(3, dtype="float32")])
    assert forward(model) == ["medium", "high", "highest"]


def test_a_layer_called_on_an_array():
    """What it gives is the product of the rounded factors, where the CPU has bf16 at all."""
    x = np.random.default_rng(0).normal(size=(33, 64)).astype(np.float32)
    mixed, exact = layers.Dense(48, dtype=MIXED), layers.Dense(48)
    y = mixed(x)
    w = mixed.kernel.numpy()
    exact(x)
    exact.set_weights([w, np.zeros(48, np.float32)])
    rounded = [round_to_bf16(v).astype(np.float64) for v in (x, w)]
    bound = 66 * 2.0**-24 * (abs(rounded[0]) @ abs(rounded[1]))
    if fastnn.info()["bf16"]:
        assert (abs(y - rounded[0] @ rounded[1]) <= bound).all()
        assert (y != exact(x)).any()
    else:
        assert y.tobytes() == exact(x).tobytes()


# ---- training


@pytest.mark.large(reason="two times five epochs of 10000 images")
def test_training_is_as_good(mnist_sample):
    (x, y), (x_test, y_test) = mnist_sample
    x, x_test = (v.reshape(-1, 784).astype(np.float32) / 255 for v in (x, x_test))
    accuracy = {}
    for policy in ("float32", MIXED):
        mixed_precision.set_global_policy(policy)
        keras.utils.set_random_seed(1)
        model = keras.Sequential(
            [layers.Input((784,)), layers.Dense(128, "relu"), layers.Dense(10, "softmax")]
        )
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, y, batch_size=128, epochs=5, verbose=0)
        accuracy[policy] = model.evaluate(x_test, y_test, verbose=0)[1]
    # The standard error of either is 0.5%, and they see the same data in the same order.
    assert abs(accuracy["float32"] - accuracy[MIXED]) < 0.01
    assert accuracy[MIXED] > 0.9


def test_threads_and_batches_do_not_change_a_bit(mnist_sample):
    """Of a model trained in bf16, and of its predictions."""
    (x, y), (x_test, _) = mnist_sample
    x, x_test = (v.reshape(-1, 784)[:1000].astype(np.float32) / 255 for v in (x, x_test))
    mixed_precision.set_global_policy(MIXED)
    found = set()
    threads = fastnn.num_threads()
    try:
        for n in (1, 2, 3):
            fastnn.set_num_threads(n)
            keras.utils.set_random_seed(1)
            model = keras.Sequential(
                [layers.Input((784,)), layers.Dense(64, "relu"), layers.Dense(10, "softmax")]
            )
            model.compile("adam", "sparse_categorical_crossentropy")
            model.fit(x, y[:1000], batch_size=64, epochs=2, verbose=0)
            predicted = model.predict(x_test, batch_size=100 + n, verbose=0)
            alone = model.predict(x_test[7:8], verbose=0)
            assert alone.tobytes() == predicted[7:8].tobytes()
            found.add(predicted.tobytes())
    finally:
        fastnn.set_num_threads(threads)
    assert len(found) == 1
