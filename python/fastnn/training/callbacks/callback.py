"""The base class of callbacks: hooks that do nothing."""

from __future__ import annotations

import weakref
from typing import Any

Logs = dict[str, Any] | None


class Callback:
    """Override the hooks you need; `keras.callbacks.Callback`.

    `self.model` is the model (None once it is gone: a callback does not keep it alive),
    `self.params` holds "verbose", "epochs" and "steps". Setting `self.model.stop_training = True`
    ends `fit` after the epoch's validation.

    Training runs natively in chunks of about 50 ms. The `chunk` hooks are called after each, and
    cost nothing; `batch` is the number of its last batch. Where they fall depends on the speed of
    the machine. The `batch` hooks are called around every single batch, as in Keras; a callback
    that overrides one makes the engine come back to Python for each batch.

    `logs` are the running means of the epoch: {"loss": 0.3, "accuracy": 0.9}. One dict passes
    through all callbacks, in order, and `History` records what they leave in it.
    """

    params: dict[str, Any] | None = None
    _model: weakref.ref | None = None

    @property
    def model(self):
        return None if self._model is None else self._model()

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model) -> None:
        self._model = weakref.ref(model)

    def uses_batches(self, mode: str) -> bool:
        """Is a hook of single batches of `mode` ("train", "test" or "predict") overridden?"""
        names = [f"on_{mode}_batch_begin", f"on_{mode}_batch_end"]
        if mode == "train":
            names += ["on_batch_begin", "on_batch_end"]
        return any(
            name in vars(self) or getattr(type(self), name) is not getattr(Callback, name)
            for name in names
        )

    def on_train_begin(self, logs: Logs = None) -> None: ...

    def on_train_end(self, logs: Logs = None) -> None: ...

    def on_test_begin(self, logs: Logs = None) -> None: ...

    def on_test_end(self, logs: Logs = None) -> None: ...

    def on_predict_begin(self, logs: Logs = None) -> None: ...

    def on_predict_end(self, logs: Logs = None) -> None: ...

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None: ...

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None: ...

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """The old name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """The old name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None: ...

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None: ...

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None: ...

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """`logs` is {"outputs": array}."""

    def on_train_chunk_end(self, batch: int, logs: Logs = None) -> None: ...

    def on_test_chunk_end(self, batch: int, logs: Logs = None) -> None: ...

    def on_predict_chunk_end(self, batch: int, logs: Logs = None) -> None: ...
