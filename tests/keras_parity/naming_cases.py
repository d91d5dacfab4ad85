"""Names: of layers, weights, losses and metrics; and what 'accuracy' means."""

from __future__ import annotations

import numpy as np

from tests.keras_parity.behaviour_cases import (
    BITS,
    LABELS,
    NUMBERS,
    ONE_HOT,
    X,
    network,
    scenario,
)


@scenario
def accuracy_of_each_kind(k):
    """'accuracy' is binary, categorical or sparse by the shapes of target and prediction."""
    results = []
    for units, output, loss, y in (
        (1, "sigmoid", "mse", BITS),
        (1, "sigmoid", "mse", NUMBERS),
        (3, "softmax", "mse", ONE_HOT),
        (3, "softmax", "sparse_categorical_crossentropy", LABELS),
        (3, "softmax", "sparse_categorical_crossentropy", LABELS[:, None]),
    ):
        model = network(k, units, output)
        model.compile("sgd", loss, metrics=["accuracy"])
        results.append(model.evaluate(X, y, verbose=0, return_dict=True))
    return results


@scenario
def metric_names(k):
    """As given, where a string; a metric's own name; numbered or prefixed where taken."""
    model = network(k)
    model.compile(
        "sgd",
        "categorical_crossentropy",
        metrics=[
            "acc",
            "mse",
            "accuracy",
            "accuracy",
            k.metrics.CategoricalAccuracy(),
            k.metrics.CategoricalAccuracy(name="mine"),
            "categorical_crossentropy",
            k.losses.mean_absolute_error,
            k.metrics.TopKCategoricalAccuracy(k=2),
            k.metrics.AUC(name="area"),
            k.metrics.Precision(name="precise"),
        ],
        weighted_metrics=["accuracy", k.metrics.Recall(name="found")],
    )
    return model.train_on_batch(X, ONE_HOT, return_dict=True)


@scenario
def layer_names(k):
    k.utils.clear_session()
    model = k.Sequential(
        [
            k.Input((4, 3)),
            k.layers.Rescaling(2.0),
            k.layers.Flatten(),
            k.layers.Dense(5),
            k.layers.ReLU(),
            k.layers.LeakyReLU(),
            k.layers.ELU(),
            k.layers.Dense(6, use_bias=False),
            k.layers.Activation("tanh"),
            k.layers.Reshape((3, 2)),
            k.layers.Softmax(),
            k.layers.Dropout(0.5),
            k.layers.Dense(1, name="last"),
        ]
    )
    other = k.Sequential([k.layers.Dense(2), k.layers.Flatten()])
    return {
        "model": model.name,
        "other": other.name,
        "layers": [layer.name for layer in model.layers],
        "others": [layer.name for layer in other.layers],
        "weights": [[w.name, list(w.shape)] for w in model.weights],
        "shapes": [list(model.input_shape[1:]), list(model.output_shape[1:])],
        "count": model.count_params(),
    }


@scenario
def trainable(k):
    model = network(k)
    counts = [[len(model.trainable_weights), len(model.non_trainable_weights)]]
    model.layers[0].trainable = False
    counts.append([len(model.trainable_weights), len(model.non_trainable_weights)])
    model.trainable = False
    counts.append([len(model.trainable_weights), len(model.non_trainable_weights)])
    return counts


@scenario
def default_names(k):
    k.utils.clear_session()
    losses = (
        "SparseCategoricalCrossentropy CategoricalCrossentropy BinaryCrossentropy MeanSquaredError "
        "MeanAbsoluteError Huber LogCosh KLDivergence Poisson Hinge"
    )
    metrics = (
        "Accuracy BinaryAccuracy CategoricalAccuracy SparseCategoricalAccuracy MeanSquaredError "
        "TopKCategoricalAccuracy SparseTopKCategoricalAccuracy Mean Sum Precision Recall AUC "
        "RootMeanSquaredError MeanAbsoluteError BinaryCrossentropy CategoricalCrossentropy "
        "SparseCategoricalCrossentropy KLDivergence Poisson Hinge LogCoshError TruePositives"
    )
    optimizers = "SGD Adam AdamW RMSprop Adagrad Adadelta Adamax Nadam"
    return {
        "losses": [getattr(k.losses, name)().name for name in losses.split()],
        "metrics": [getattr(k.metrics, name)().name for name in metrics.split()],
        "second": [k.metrics.AUC().name, k.metrics.Precision().name],
        "optimizers": [getattr(k.optimizers, name)().name for name in optimizers.split()],
    }


@scenario
def strings(k):
    """Which strings name something: the class or function that comes of it, or the error."""

    def named(get, names):
        result = {}
        for name in names.split():
            try:
                found = get(name)
                result[name] = getattr(found, "__name__", type(found).__name__)
            except ValueError:
                result[name] = "ValueError"
        return result

    return {
        "losses": named(
            k.losses.get,
            "mse MSE mean_squared_error MeanSquaredError mae bce BCE kld KLD huber Huber log_cosh "
            "LogCosh poisson hinge binary_crossentropy CategoricalCrossentropy nonsense",
        ),
        "metrics": named(
            k.metrics.get,
            "mse MSE mae AUC auc Precision precision recall binary_accuracy poisson hinge mean "
            "sparse_top_k_categorical_accuracy TopKCategoricalAccuracy KLDivergence nonsense",
        ),
        "optimizers": named(
            k.optimizers.get,
            "sgd SGD Adam ADAM adamw RMSProp rmsprop Adagrad adadelta Adamax NADAM nonsense",
        ),
        "activations": named(k.activations.get, "relu gelu swish silu linear ReLU nonsense"),
        "initializers": named(
            k.initializers.get,
            "zeros Zeros zero one glorot_uniform GlorotUniform he_normal normal uniform "
            "truncated_normal orthogonal identity lecun_normal variance_scaling nonsense",
        ),
        "regularizers": named(k.regularizers.get, "l1 l2 L2 l1l2 L1L2 orthogonal_regularizer no"),
    }


@scenario
def to_categorical(k):
    return [
        k.utils.to_categorical([0, 2, 1]).tolist(),
        k.utils.to_categorical(np.array([[1], [0]]), 4).tolist(),
    ]
