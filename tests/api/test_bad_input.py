"""Wrong uses: each is a ValueError or TypeError that names what came, and the process goes on.

Every row of the table: what is done, the exact type of the error, and a part of its message that
only what came can have put there.
"""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn.keras import (
    Input,
    Sequential,
    activations,
    callbacks,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    utils,
)
from fastnn.keras.layers import Dense, Dropout, Flatten, Reshape

N, FEATURES, CLASSES = 12, 4, 3
X = np.random.default_rng(0).normal(size=(N, FEATURES)).astype(np.float32)
Y = np.arange(N) % CLASSES
ONE_HOT = np.eye(CLASSES)[Y]


def classifier(loss="sparse_categorical_crossentropy", **kwargs):
    model = Sequential([Input((FEATURES,)), Dense(CLASSES, activation="softmax")])
    model.compile("sgd", loss, **kwargs)
    return model


def regressor():
    model = Sequential([Input((FEATURES,)), Dense(1)])
    model.compile("sgd", "mse")
    return model


def fit(x=X, y=Y, loss="sparse_categorical_crossentropy", **kwargs):
    return classifier(loss).fit(x, y, verbose=0, **kwargs)


def compile_(**kwargs):
    return Sequential([Input((FEATURES,)), Dense(1)]).compile(**{"loss": "mse"} | kwargs)


def with_(index, value):
    """Y with one other label."""
    y = Y.astype(np.result_type(Y, type(value)))
    y[index] = value
    return y


def batches(*batch):
    """A generator of one batch."""
    yield batch if len(batch) > 1 else batch[0]


class Free(fastnn.Model):
    """A model of free form."""


class NotFinite(Dense):
    """Divides by zero."""

    def call(self, x):
        return fastnn.ops.divide(super().call(x), np.zeros((1,), np.float32))


def checked(x=X, model=None):
    model = model or Sequential([Input((FEATURES,)), Dense(1)])
    fastnn.Trainer(model, "sgd", "mse", check_finite=True).fit(x, X[:, :1], verbose=0)


def nan_at(row):
    x = X.copy()
    x[row, 1] = np.nan
    return x


WRONG = {
    # ---- shapes and lengths
    "x of another width": (lambda: fit(X[:, :3]), ValueError, "(12, 3)"),
    "x of another rank": (lambda: fit(X[:, :, None, None]), ValueError, "(12, 4, 1, 1)"),
    "x of rank one": (lambda: fit(X[:, 0]), ValueError, "(12,)"),
    "one number as x": (lambda: fit(7.25), ValueError, "7.25"),
    "ragged rows": (lambda: fit([[1, 2, 3, 4], [5, 6]], [0, 1]), ValueError, "one array"),
    "no x": (lambda: classifier().fit(), ValueError, "`x` is missing"),
    "no y": (lambda: fit(y=None), ValueError, "`y` is missing"),
    "no rows": (lambda: fit(X[:0], Y[:0]), ValueError, "(0, 4)"),
    "no rows to evaluate": (lambda: classifier().evaluate(X[:0], Y[:0]), ValueError, "(0, 4)"),
    "no rows to predict": (lambda: classifier().predict(X[:0]), ValueError, "(0, 4)"),
    "y is shorter": (lambda: fit(y=Y[:9]), ValueError, "`y` has 9"),
    "y is longer": (lambda: fit(X[:7]), ValueError, "7 rows and `y` has 12"),
    "y too wide": (lambda: regressor().fit(X, X), ValueError, "(12, 4)"),
    "y of rank three": (lambda: fit(y=np.zeros((N, 2, 2))), ValueError, "(12, 2, 2)"),
    "predict on another width": (lambda: classifier().predict(X[:, :2]), ValueError, "(12, 2)"),
    "call on another width": (lambda: classifier()(X[:, :1]), ValueError, "(12, 1)"),
    "a batch of another width": (
        lambda: classifier().train_on_batch(X[:, :3], Y),
        ValueError,
        "(12, 3)",
    ),
    "validation of another width": (
        lambda: fit(validation_data=(X[:5, :2], Y[:5])),
        ValueError,
        "(5, 2)",
    ),
    "validation of one part": (lambda: fit(validation_data=(X,)), ValueError, "has 1 parts"),
    "validation of four parts": (lambda: fit(validation_data=(X,) * 4), ValueError, "has 4 parts"),
    "sample weights too few": (
        lambda: fit(sample_weight=np.ones(5)),
        ValueError,
        "`sample_weight` has 5",
    ),
    "sample weights too wide": (
        lambda: fit(sample_weight=np.ones((N, 2))),
        ValueError,
        "(12, 2)",
    ),
    "a split that leaves nothing": (
        lambda: fit(X[:1], Y[:1], validation_split=0.5),
        ValueError,
        "0.5 of 1 rows",
    ),
    # ---- dtypes
    "x of strings": (lambda: fit(X.astype(str)), TypeError, "<U"),
    "x of objects": (lambda: fit(np.array([[None] * 4] * N)), TypeError, "object"),
    "x of complex numbers": (lambda: fit(X + 1j), TypeError, "complex"),
    "x of dates": (lambda: fit(np.zeros((N, 4), "M8[D]")), TypeError, "datetime64"),
    "x is text": (lambda: fit("pixels"), TypeError, "'pixels'"),
    "x is a dict": (lambda: fit({"image": X}), TypeError, "dict"),
    "x is a function": (lambda: fit(batches), TypeError, "function"),
    "y of strings": (lambda: fit(y=["cat"] * N), TypeError, "<U3"),
    "sample weights of strings": (lambda: fit(sample_weight=["much"] * N), TypeError, "<U4"),
    # ---- labels
    "label too large": (lambda: fit(y=with_(5, 3)), ValueError, "Label 3 at y[5]"),
    "label negative": (lambda: fit(y=with_(2, -1)), ValueError, "Label -1 at y[2]"),
    "label far too large": (lambda: fit(y=with_(0, 2**40)), ValueError, "Label 1099511627776"),
    "label with a fraction": (lambda: fit(y=with_(4, 1.5)), ValueError, "y[4] is 1.5"),
    "label NaN": (lambda: fit(y=with_(4, np.nan)), ValueError, "y[4] is nan"),
    "label too large in evaluate": (
        lambda: classifier().evaluate(X, with_(7, 9)),
        ValueError,
        "Label 9 at y[7]",
    ),
    "label too large in a batch": (
        lambda: classifier().train_on_batch(X, with_(1, 4)),
        ValueError,
        "Label 4 at y[1]",
    ),
    "one-hot with a sparse loss": (
        lambda: fit(y=ONE_HOT),
        ValueError,
        "go with categorical_crossentropy",
    ),
    "labels with a dense loss": (
        lambda: fit(loss="categorical_crossentropy"),
        ValueError,
        "go with sparse_categorical_crossentropy",
    ),
    # ---- weights of classes
    "class weights in a list": (lambda: fit(class_weight=[1, 2, 3]), TypeError, "[1, 2, 3]"),
    "class weight of a name": (lambda: fit(class_weight={"cat": 2}), ValueError, "'cat'"),
    "class weight of a class too many": (lambda: fit(class_weight={3: 1}), ValueError, "key 3"),
    "class weight of text": (lambda: fit(class_weight={0: "much"}), TypeError, "'much'"),
    "class weights without classes": (
        lambda: regressor().fit(X, X[:, 0], class_weight={0: 2}),
        ValueError,
        "float32",
    ),
    "class and sample weights": (
        lambda: fit(class_weight={0: 1}, sample_weight=np.ones(N)),
        ValueError,
        "came together",
    ),
    # ---- NaN
    "NaN in x, checked": (lambda: checked(nan_at(3)), ValueError, "gather"),
    "infinity from a layer, checked": (
        lambda: checked(model=Sequential([Input((FEATURES,)), NotFinite(1, name="broken")])),
        ValueError,
        "'broken'",
    ),
    # ---- numbers of things
    "batch size negative": (lambda: fit(batch_size=-3), ValueError, "-3"),
    "batch size zero": (lambda: fit(batch_size=0), ValueError, "0 came"),
    "batch size with a fraction": (lambda: fit(batch_size=2.5), TypeError, "2.5"),
    "batch size text": (lambda: fit(batch_size="full"), TypeError, "'full'"),
    "epochs negative": (lambda: fit(epochs=-1), ValueError, "-1"),
    "epochs with a fraction": (lambda: fit(epochs=1.5), TypeError, "1.5"),
    "epochs none": (lambda: fit(epochs=None), TypeError, "None"),
    "initial epoch negative": (lambda: fit(initial_epoch=-2), ValueError, "-2"),
    "no steps": (lambda: fit(steps_per_epoch=0), ValueError, "steps_per_epoch"),
    "steps to predict negative": (
        lambda: classifier().predict(X, steps=-4),
        ValueError,
        "-4",
    ),
    "split of all": (lambda: fit(validation_split=1.0), ValueError, "1.0"),
    "split negative": (lambda: fit(validation_split=-0.25), ValueError, "-0.25"),
    "split text": (lambda: fit(validation_split="half"), TypeError, "'half'"),
    "validation frequency zero": (
        lambda: fit(validation_data=(X, Y), validation_freq=0),
        ValueError,
        "validation_freq",
    ),
    "validation frequency text": (
        lambda: fit(validation_data=(X, Y), validation_freq="often"),
        TypeError,
        "'often'",
    ),
    "verbose too large": (lambda: classifier().fit(X, Y, verbose=3), ValueError, "3 came"),
    "verbose text": (lambda: classifier().evaluate(X, Y, verbose="loud"), ValueError, "'loud'"),
    "shuffle unknown": (lambda: fit(shuffle="rows"), ValueError, "'rows'"),
    # ---- batches
    "a generator of nothing": (lambda: fit(iter(()), None), ValueError, "no batch"),
    "y beside a generator": (lambda: fit(batches(X, Y), Y), ValueError, "generator"),
    "a split of a generator": (
        lambda: fit(batches(X, Y), None, validation_split=0.5),
        ValueError,
        "generator",
    ),
    "a batch of four": (lambda: fit(batches(X, Y, Y, Y), None), ValueError, "has 4 parts"),
    "a batch without targets": (lambda: fit(batches(X), None), ValueError, "`y` is missing"),
    "a batch with a wrong label": (
        lambda: fit(batches(X, with_(3, 8)), None),
        ValueError,
        "Label 8 at y[3]",
    ),
    "a batch of text": (lambda: fit(batches("abc", Y), None), TypeError, "'abc'"),
    # ---- callbacks
    "a function as callback": (lambda: fit(callbacks=[print]), TypeError, "print"),
    "a class as callback": (
        lambda: fit(callbacks=[callbacks.EarlyStopping]),
        TypeError,
        "EarlyStopping()",
    ),
    "a name as callback": (lambda: fit(callbacks="early"), TypeError, "'early'"),
    "a wrong callback in evaluate": (
        lambda: classifier().evaluate(X, Y, callbacks=[1.5]),
        TypeError,
        "1.5",
    ),
    "a hook that does not exist": (
        lambda: callbacks.LambdaCallback(on_epoch_middle=print),
        TypeError,
        "'on_epoch_middle'",
    ),
    "a hook that is no function": (
        lambda: callbacks.LambdaCallback(on_epoch_end=3),
        TypeError,
        "3 came",
    ),
    "early stopping in which direction": (
        lambda: callbacks.EarlyStopping(mode="down"),
        ValueError,
        "'down'",
    ),
    "a checkpoint of another kind": (
        lambda: callbacks.ModelCheckpoint("model.pickle"),
        ValueError,
        "'model.pickle'",
    ),
    "a checkpoint how often": (
        lambda: callbacks.ModelCheckpoint("m.safetensors", save_freq=0.5),
        ValueError,
        "0.5",
    ),
    "a schedule that is none": (
        lambda: callbacks.LearningRateScheduler(0.1),
        TypeError,
        "0.1 came",
    ),
    "a schedule that gives text": (
        lambda: fit(callbacks=[callbacks.LearningRateScheduler(lambda epoch: "slow")]),
        ValueError,
        "'slow'",
    ),
    "a threshold of text": (lambda: callbacks.LossThreshold("low"), ValueError, "'low'"),
    # ---- compiling
    "fit before compile": (
        lambda: Sequential([Dense(1)], name="raw").fit(X, Y),
        ValueError,
        "'raw' is not compiled",
    ),
    "evaluate before compile": (
        lambda: Sequential([Dense(1)], name="raw").evaluate(X, Y),
        ValueError,
        "'raw' is not compiled",
    ),
    "a batch before compile": (
        lambda: Sequential([Dense(1)], name="raw").train_on_batch(X, Y),
        ValueError,
        "'raw' is not compiled",
    ),
    "no loss": (lambda: fit(loss=None), ValueError, "There is no loss"),
    "unknown optimizer": (lambda: compile_(optimizer="adamant"), ValueError, "'adamant'"),
    "unknown loss": (lambda: compile_(loss="mean_error"), ValueError, "'mean_error'"),
    "unknown metric": (lambda: compile_(metrics=["accurate"]), ValueError, "'accurate'"),
    "metrics not in a list": (lambda: compile_(metrics="mae"), TypeError, "'mae'"),
    "metrics in a dict": (lambda: compile_(metrics={"out": "mae"}), TypeError, "{'out': 'mae'}"),
    "weights of losses": (lambda: compile_(loss_weights=[0.5]), ValueError, "[0.5]"),
    "running eagerly": (lambda: compile_(run_eagerly=True), ValueError, "run_eagerly=True"),
    "steps per execution": (lambda: compile_(steps_per_execution=0), ValueError, "0 came"),
    "unknown way to compile": (lambda: compile_(jit_compile="fast"), ValueError, "'fast'"),
    # ---- unknown keyword arguments
    "fit(batchsize=)": (lambda: fit(batchsize=8), TypeError, "batchsize"),
    "evaluate(batchsize=)": (
        lambda: classifier().evaluate(X, Y, batchsize=8),
        TypeError,
        "batchsize",
    ),
    "predict(shuffle=)": (lambda: classifier().predict(X, shuffle=True), TypeError, "shuffle"),
    "compile(optimiser=)": (lambda: compile_(optimiser="sgd"), TypeError, "optimiser"),
    "Dense(neurons=)": (lambda: Dense(3, neurons=3), TypeError, "neurons"),
    "Sequential(layer=)": (lambda: Sequential(layer=[Dense(1)]), TypeError, "layer"),
    "SGD(lr=)": (lambda: optimizers.SGD(lr=0.1), TypeError, "lr"),
    "Trainer(epochs=)": (lambda: fastnn.Trainer(regressor(), epochs=3), TypeError, "epochs"),
    "Trainer.fit(batchsize=)": (
        lambda: fastnn.Trainer(regressor(), "sgd", "mse").fit(X, Y, batchsize=3),
        TypeError,
        "batchsize",
    ),
    "Trainer(device=)": (
        lambda: fastnn.Trainer(regressor(), "sgd", "mse", device="abacus").fit(X, Y, verbose=0),
        ValueError,
        "'abacus'",
    ),
    # ---- models
    "a number as layer": (lambda: Sequential([Dense(1), 17]), TypeError, "17"),
    "a class as layer": (lambda: Sequential([Flatten]), TypeError, "Flatten"),
    "a layer instead of a list": (lambda: Sequential(Dense(1)), TypeError, "Dense"),
    "a model of free form": (Free, TypeError, "Free"),
    "two layers of one name": (
        lambda: Sequential([Dense(1, name="twin"), Dense(1, name="twin")]),
        ValueError,
        "'twin'",
    ),
    "an Input at the end": (lambda: Sequential([Dense(1), Input((4,))]), ValueError, "come first"),
    "two Inputs": (lambda: Sequential([Input((4,)), Input((4,))]), ValueError, "come first"),
    "a reshape that does not fit": (
        lambda: Sequential([Input((4,)), Reshape((3, 5))]),
        ValueError,
        "(3, 5)",
    ),
    "building twice differently": (
        lambda: classifier().build((None, 9)),
        ValueError,
        "(None, 9)",
    ),
    "building nothing": (lambda: Sequential(name="void").build((None, 3)), ValueError, "'void'"),
    "weights too few": (lambda: classifier().set_weights([X]), ValueError, "1 came"),
    "weights of another shape": (
        lambda: classifier().set_weights([np.zeros((5, 5)), np.zeros(3)]),
        ValueError,
        "(5, 5)",
    ),
    "a layer that is not there": (lambda: classifier().get_layer("ghost"), ValueError, "'ghost'"),
    "a layer beyond the end": (lambda: classifier().get_layer(index=5), ValueError, "index 5"),
    "a layer by nothing": (lambda: classifier().get_layer(), ValueError, "name or an index"),
    "a config of something else": (
        lambda: Sequential.from_config({"units": 3}),
        ValueError,
        "'units'",
    ),
    "weights to another kind of file": (
        lambda: classifier().save_weights("weights.exe"),
        ValueError,
        "weights.exe",
    ),
    "weights of a model that has none": (
        lambda: Sequential([Dense(1)], name="raw").save_weights("w.safetensors"),
        ValueError,
        "'raw' is not built",
    ),
    "weights for a model that has none": (
        lambda: Sequential([Dense(1)], name="raw").load_weights("w.safetensors"),
        ValueError,
        "'raw' is not built",
    ),
    "a plan of a model without a shape": (
        lambda: Sequential([Dense(1)], name="raw").plan(),
        ValueError,
        "'raw' is not built",
    ),
    # ---- layers and their parts
    "units negative": (lambda: Dense(-5), ValueError, "-5"),
    "units zero": (lambda: Dense(0), ValueError, "units=0"),
    "units text": (lambda: Dense("many"), ValueError, "'many'"),
    "unknown activation": (lambda: Dense(1, activation="relux"), ValueError, "'relux'"),
    "unknown initializer": (lambda: Dense(1, kernel_initializer="he"), ValueError, "'he'"),
    "unknown regularizer": (lambda: Dense(1, kernel_regularizer="l3"), ValueError, "'l3'"),
    "dropout of more than all": (lambda: Dropout(1.5), ValueError, "1.5"),
    "dropout negative": (lambda: Dropout(-0.1), ValueError, "-0.1"),
    "an Input with a negative size": (lambda: Input((4, -2)), ValueError, "-2"),
    "an Input that is a number": (lambda: Input(4), ValueError, "4"),
    "a constraint": (lambda: Dense(1, kernel_constraint="max_norm"), ValueError, "'max_norm'"),
    "a dtype": (lambda: Dense(1, dtype="float16"), ValueError, "'float16'"),
    "a layer on a string": (lambda: classifier()("image"), TypeError, "'image'"),
    "a learning rate of text": (lambda: optimizers.Adam("fast"), ValueError, "'fast'"),
    "two ways of clipping": (
        lambda: optimizers.SGD(clipnorm=1.0, clipvalue=2.0),
        ValueError,
        "2.0",
    ),
    "an unknown reduction": (
        lambda: losses.MeanSquaredError(reduction="average"),
        ValueError,
        "'average'",
    ),
    "a threshold of a metric": (lambda: metrics.Precision(thresholds=1.5), ValueError, "1.5"),
    "an activation by number": (lambda: activations.get(3), ValueError, "3"),
    "an initializer by number": (lambda: initializers.get(0.5), ValueError, "0.5"),
    "a regularizer negative": (lambda: regularizers.L2(-0.25), ValueError, "-0.25"),
    "a layer config by import": (
        lambda: layers.deserialize({"class_name": "os.system", "config": {}}),
        ValueError,
        "'os.system'",
    ),
    "a seed of text": (lambda: utils.set_random_seed("lucky"), ValueError, "'lucky'"),
    "categories out of range": (lambda: utils.to_categorical([0, 5], 3), ValueError, "5"),
}


def test_there_are_enough():
    assert len(WRONG) >= 60


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    use, kind, part = WRONG[name]
    with pytest.raises(kind) as caught:
        use()
    assert caught.type is kind, f"a subclass came: {caught.type}"
    assert part in str(caught.value), str(caught.value)


def test_nan_is_not_looked_for_unless_asked():
    """Without check_finite NaN goes through, as in Keras: the loss shows it."""
    history = classifier().fit(nan_at(3), Y, verbose=0)
    assert np.isnan(history.history["loss"][0])


def test_a_model_survives_its_errors():
    model = classifier()
    expected = model.predict(X)
    for wrong in ((X[:, :2], Y), (X, with_(5, 3)), (X, ONE_HOT), (X[:0], Y[:0])):
        with pytest.raises(ValueError):
            model.fit(*wrong, verbose=0)
    np.testing.assert_array_equal(model.predict(X), expected)
    assert model.optimizer.iterations == 0
    model.fit(X, Y, verbose=0)
    assert model.optimizer.iterations == 1
