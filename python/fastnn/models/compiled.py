"""fastnn.compile: a model as a plain function from arrays to arrays."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fastnn.training.arguments import whole
from fastnn.training.caller import Caller

from .model import Model


class CompiledModel(Caller):
    """f(x, out=None): what `model.predict(x, verbose=0)` gives, bit for bit, in a few microseconds.

    Args (of a call):
        x: as for `predict`: an array (rows, ...), or what becomes one. An aligned, C-contiguous
            NumPy array of uint8, int32, int64, float32 or float64 is read where it lies; anything
            else is copied first.
        out: where the result is written, instead of a new array: C-contiguous, writable, float32,
            of the result's shape, and not overlapping x.

    Returns:
        float32 (rows, ...): `out`, or an array that is the caller's own.

    Raises:
        TypeError, ValueError: as `predict`; an `out` that does not serve.

    The weights are the model's own: what training, `set_weights` or `load_weights` changes is seen
    by the next call, and so are layers that come or go. Threads may call at the same time, each
    gets its own result; calls beside a training of the same model see weights from before and
    after a step, mixed. It works in the children of `os.fork()`. It runs on the CPU, whatever the
    default device.
    """

    def __init__(self, model: Model):
        super().__init__(model, model._engine().seed)
        self.model = model

    def __repr__(self) -> str:
        if not self.model.built:
            return f"<fastnn.compile of {self.model.name!r}, not built>"
        shapes = f"{self.model.input_shape} -> {self.model.output_shape}"
        return f"<fastnn.compile of {self.model.name!r}: {shapes}>"


def compile(model: Model, batch_size: int | Iterable[int] | None = None) -> CompiledModel:
    """`model` as a function of arrays: `f = fastnn.compile(model); y = f(x)`.

    Args:
        model: a `Sequential`; it need not be compiled for training.
        batch_size: one or more numbers of float32 rows to plan now. Others are planned when they
            first come, which takes about a millisecond; the 32 last used are kept. More than 256
            rows are done in steps of 256, whatever their number.

    Raises:
        TypeError: not a model, or a batch size that is no whole number.
        ValueError: a batch size below 1, or one for a model whose input shape is not known yet.
    """
    if not isinstance(model, Model):
        raise TypeError(
            f"fastnn.compile: a model is due, {type(model).__name__} came: {model!r:.60}. To "
            "choose how a model is trained, call model.compile(...)."
        )
    compiled = CompiledModel(model)
    several = batch_size if isinstance(batch_size, Iterable) else [batch_size]
    sizes = [whole("batch_size", size, 1) for size in several if size is not None]
    if sizes and (not model.built or None in model.input_shape[1:]):
        raise ValueError(
            f"fastnn.compile: the shape of a row of model {model.name!r} is not known yet, so "
            f"batch_size={batch_size!r} cannot be planned. Give the model an Input, or leave "
            "batch_size out."
        )
    for size in sizes:
        compiled(np.zeros((size, *model.input_shape[1:]), np.float32))
    return compiled
