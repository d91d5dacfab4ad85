"""The metrics that a name or a config can mean, and how a name becomes one."""

from __future__ import annotations

from fastnn.utils.registry import Registry

from .metric import Metric

registry = Registry("metric", Metric, "keras.metrics")
register = registry.add
get = registry.get
serialize = registry.serialize
deserialize = registry.deserialize


def resolve_accuracy(y_true_shape, y_pred_shape) -> str:
    """The metric that "accuracy" means for these shapes (batch included), by name, as in Keras."""
    return _by_shape(y_true_shape, y_pred_shape, "accuracy")


def _by_shape(y_true_shape, y_pred_shape, what: str) -> str:
    if y_pred_shape[-1] == 1:
        return f"binary_{what}"
    if len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1:
        return f"sparse_categorical_{what}"
    return f"categorical_{what}"


MEANT_BY_SHAPE = {
    "accuracy": "accuracy",
    "acc": "accuracy",
    "crossentropy": "crossentropy",
    "ce": "crossentropy",
}


def check(identifier) -> None:
    """Raises ValueError when `resolve` would find no metric, whatever the shapes."""
    if not isinstance(identifier, str) or identifier.lower() not in MEANT_BY_SHAPE:
        resolve(identifier, None, None)


def resolve(identifier, y_true_shape, y_pred_shape) -> Metric:
    """A `Metric` from whatever `compile(metrics=[...])` takes: a name, a class, an object, a
    config, or a function `f(y_true, y_pred)` written in ops. A name given stays the metric's name.

    Args:
        y_true_shape, y_pred_shape: with the batch in front; "accuracy" ("acc") and "crossentropy"
            ("ce") mean a metric that fits them.

    Raises:
        ValueError: there is no such metric.
    """
    from .reductions import MeanMetricWrapper

    meant = identifier
    if isinstance(identifier, str) and identifier.lower() in MEANT_BY_SHAPE:
        meant = _by_shape(y_true_shape, y_pred_shape, MEANT_BY_SHAPE[identifier.lower()])
    found = get(meant)
    if isinstance(found, Metric):
        if isinstance(identifier, str):
            found.name = identifier
        return found
    if found is None:
        raise ValueError("None is no metric; leave it out of the list.")
    metric = MeanMetricWrapper(found)
    metric.target_dtype = _target_dtype(found)
    return metric


def _target_dtype(function) -> str:
    """What a function wants as y_true: "int32" for our functions of class numbers."""
    ours = getattr(function, "__module__", "").startswith("fastnn.")
    return "int32" if ours and function.__name__.startswith("sparse_") else "float32"
