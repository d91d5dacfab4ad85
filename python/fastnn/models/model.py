"""Model: a layer that can be compiled, trained, evaluated and asked for predictions."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.graph import Tensor, revise
from fastnn.layers.layer import Layer
from fastnn.training import fit as loops
from fastnn.training.data import as_arrays, as_inputs
from fastnn.training.trainer import Trainer

from .compile import check_compile_arguments

if TYPE_CHECKING:
    from fastnn.training.callbacks import History


class Model(Layer):
    """The surface of `keras.Model` for one input and one output. `Sequential` is the kind to use.

    A model runs on a `Trainer`, the engine that `compile` makes; before that it can only predict.

    Raises:
        TypeError: a model of free form, which fastnn does not support yet.
    """

    def __init__(self, **kwargs):
        if not hasattr(type(self), "input_shape"):
            raise TypeError(
                f"{type(self).__name__}: models of free form are not supported by fastnn yet. Make "
                "a Layer of your own (call(x), from other layers and fastnn.ops) and put it into a "
                "Sequential."
            )
        super().__init__(**kwargs)
        self._trainer: Trainer | None = None
        self._compiled_with: dict[str, Any] | None = None
        self.history: History | None = None
        self.stop_training = self.stop_evaluating = self.stop_predicting = False

    def __init_subclass__(cls, **kwargs):
        # Past Layer's: a layer is built once, a model again whenever its layers change.
        super(Layer, cls).__init_subclass__(**kwargs)

    # ---- compiling

    def compile(self, optimizer="rmsprop", loss=None, loss_weights=None, metrics=None,
                weighted_metrics=None, run_eagerly=False, steps_per_execution=1,
                jit_compile="auto", auto_scale_loss=True) -> None:  # fmt: skip
        """Says how to train. Which weights are trainable counts when training next begins.

        Args:
            optimizer: a name ("adam"), a config, or an `Optimizer`.
            loss: a name, a `Loss`, or a function of (y_true, y_pred) written with `fastnn.ops`.
            metrics, weighted_metrics: lists of names, `Metric`s or functions. Sample weights count
                in the weighted ones, and in the loss, only.
            steps_per_execution, jit_compile, auto_scale_loss: taken for Keras' sake. Steps always
                run natively and many at once, and nothing is scaled.
            loss_weights, run_eagerly: must be left at what Keras has by default.

        Raises:
            TypeError: an unknown keyword argument.
            ValueError: an unknown name, or an argument fastnn does not support.
        """
        check_compile_arguments(
            loss_weights, metrics, weighted_metrics, run_eagerly, steps_per_execution, jit_compile
        )
        self._compiled_with = {
            "optimizer": optimizer,
            "loss": loss,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        self._trainer = self._new_trainer()
        self._compiled_with["optimizer"] = self._trainer.optimizer

    @property
    def compiled(self) -> bool:
        return self._compiled_with is not None

    @property
    def optimizer(self):
        return None if self._trainer is None else self._trainer.optimizer

    @property
    def loss(self):
        """The loss as `compile` was given it."""
        return self._compiled_with["loss"] if self.compiled else None

    @property
    def metrics(self) -> list:
        """The metric objects; made when the shapes are known, at the first batch."""
        return [] if self._trainer is None else self._trainer.all_metrics

    @property
    def metrics_names(self) -> list[str]:
        """Names of the values that `evaluate` returns, in its order."""
        return ["loss", *(() if self._trainer is None else self._trainer.named_metrics)]

    def reset_metrics(self) -> None:
        """Starts the running means of loss and metrics again."""
        self._require_compiled("reset_metrics").reset_metrics()

    # ---- whole data sets

    def fit(self, x=None, y=None, batch_size: int | None = None, epochs: int = 1, verbose="auto",
            callbacks=None, validation_split: float = 0.0, validation_data=None, shuffle=True,
            class_weight: dict[int, float] | None = None, sample_weight=None,
            initial_epoch: int = 0, steps_per_epoch: int | None = None,
            validation_steps: int | None = None, validation_batch_size: int | None = None,
            validation_freq=1) -> History:  # fmt: skip
        """Trains the model; `keras.Model.fit`.

        Args:
            x: rows: an array of shape (N, ...) or what becomes one, of any real dtype (bytes stay
                bytes until a minibatch is gathered; a memmap is not loaded). Or batches: an object
                with `__getitem__` and `__len__`, an iterable, a generator; each batch is (x,),
                (x, y) or (x, y, sample_weight).
            y: targets (N, ...): class numbers for sparse losses, else of the output's shape. (N,)
                and (N, 1) serve for one another.
            batch_size: rows a step; None means 32, as in Keras (and all rows in `Trainer.fit`).
            epochs: train until so many epochs are done, those before `initial_epoch` counted.
            verbose: 0, 1 (progress bar), 2 (a line an epoch), "auto" (1).
            callbacks: a `Callback` or a list of them.
            validation_split: share of the rows, the last ones before shuffling, to validate with.
            validation_data: (x, y), (x, y, sample_weight), or batches.
            shuffle: rows, or the order of numbered batches, change places each epoch; "batch" moves
                whole batches of rows. The order follows from the seed and the number of steps done.
            class_weight: {class number: weight}; instead of `sample_weight`.
            sample_weight: (N,): the loss is sum(weight * loss of a row) / N.
            initial_epoch: where a run that goes on begins to count.
            steps_per_epoch: batches an epoch; by default one pass over the data.
            validation_steps, validation_batch_size: likewise for the validation.
            validation_freq: validate every so many epochs, or after the epochs (from 1) in a list.

        Returns:
            the `History`: its "loss" is the mean over the epoch's rows while the weights changed.

        Raises:
            TypeError, ValueError: not compiled, or data that fits neither the model nor the loss.
        """
        return loops.fit(
            self._require_compiled("fit"), x, y,
            batch_size=loops.DEFAULT_BATCH if batch_size is None else batch_size,
            epochs=epochs, verbose=verbose, callbacks=callbacks,
            validation_split=validation_split, validation_data=validation_data, shuffle=shuffle,
            class_weight=class_weight, sample_weight=sample_weight, initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
            validation_batch_size=validation_batch_size, validation_freq=validation_freq,
            model=self,
        )  # fmt: skip

    def evaluate(self, x=None, y=None, batch_size: int | None = None, verbose="auto",
                 sample_weight=None, steps: int | None = None, callbacks=None,
                 return_dict: bool = False):  # fmt: skip
        """The loss and metrics of data, as for `fit`; `keras.Model.evaluate`.

        Returns:
            the loss when there are no metrics, else [loss, metrics in the order of `compile`]; or a
            dict by name.
        """
        trainer = self._require_compiled("evaluate")
        logs = loops.evaluate(
            trainer, x, y, batch_size=loops.DEFAULT_BATCH if batch_size is None else batch_size,
            verbose=verbose, sample_weight=sample_weight, steps=steps, callbacks=callbacks,
            model=self,
        )  # fmt: skip
        return logs if return_dict else _values(trainer.logs())

    def predict(self, x, batch_size: int | None = None, verbose="auto", steps: int | None = None,
                callbacks=None) -> np.ndarray:  # fmt: skip
        """The outputs for all rows of x, float32 (N, ...); `keras.Model.predict`.

        `verbose="auto"` shows a bar only when it takes long enough to be wondered about.
        """
        return loops.predict(
            self._engine(), x, batch_size=loops.DEFAULT_BATCH if batch_size is None else batch_size,
            verbose=verbose, steps=steps, callbacks=callbacks, model=self,
        )  # fmt: skip

    # ---- single batches

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None,
                       return_dict: bool = False):  # fmt: skip
        """One step on the rows given. Returns their loss (before the step) and metrics."""
        trainer = self._require_compiled("train_on_batch")
        x, y, sample_weight = as_arrays(trainer, x, y, sample_weight, class_weight)
        trainer.reset_metrics()
        trainer.train_rows(x, y, sample_weight, batch_size=len(x))
        return self._batch_result(trainer, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict: bool = False):
        """The loss and metrics of the rows given."""
        trainer = self._require_compiled("test_on_batch")
        x, y, sample_weight = as_arrays(trainer, x, y, sample_weight)
        trainer.reset_metrics()
        trainer.test_rows(x, y, sample_weight, batch_size=len(x))
        return self._batch_result(trainer, return_dict)

    def predict_on_batch(self, x) -> np.ndarray:
        """The outputs for the rows given, in one step."""
        return self(x)

    def __call__(self, x, training: bool = False):
        """The outputs for an array, float32; on a symbolic tensor, emits the model's ops."""
        if isinstance(x, Tensor):
            return super().__call__(x, training)
        if not training:
            return loops.predict_batch(self._engine(), x)
        from fastnn.runtime.eager import eager_call

        return eager_call(self, as_inputs(x, self), training)

    # ---- looking at it, keeping it

    def summary(self, line_length: int | None = None, positions=None,
                print_fn: Callable[[str], Any] | None = None, expand_nested: bool = False,
                show_trainable: bool = False, layer_range=None) -> None:  # fmt: skip
        """Prints the layers with their output shapes, weights, and the FLOPs and bytes of one row.

        FLOPs are those of the forward pass; bytes are what its instructions read and write, weights
        included. `line_length` and `positions` have no effect: columns fit their contents.
        """
        from .summary import summary

        text = summary(self, expand_nested, show_trainable, layer_range)
        (print_fn or print)(text)

    def plan(self, batch_size: int = 32, training: bool = True, device: str | None = None):
        """What a training step (or a prediction) of `batch_size` rows runs, as a table to print: a
        `Plan`, or with `device="cuda"` the kernels that are launched there, with their bytes and
        FLOPs against the card's roofline.

        Raises:
            ValueError: the model is not built, or not compiled where it is to be trained.
        """
        if not self.built:
            raise ValueError(
                f"plan: model {self.name!r} is not built. Give it an Input, or call "
                "build(input_shape), or train it first."
            )
        trainer = self._require_compiled("plan") if training else self._engine()
        return trainer.plan(batch_size, training, device)

    def save_weights(self, filepath: str | os.PathLike, overwrite: bool = True) -> None:
        """Writes all weights to a `.safetensors` file, which is replaced whole or not at all.

        Raises:
            ValueError: another suffix; the model is not built.
            FileExistsError: the file is there and `overwrite` is False.
        """
        from fastnn.saving import save_weights

        if not self.built:
            raise ValueError(f"save_weights: model {self.name!r} is not built and has no weights.")
        if not overwrite and os.path.exists(filepath):
            raise FileExistsError(f"save_weights: {os.fspath(filepath)!r} exists already.")
        save_weights(self, filepath)

    def load_weights(self, filepath: str | os.PathLike) -> None:
        """Reads all weights from a `.safetensors` file; names and shapes must be the model's.

        Raises:
            ValueError: they are not; the file is damaged; the model is not built.
            OSError: the file cannot be read.
        """
        from fastnn.saving import load_weights

        if not self.built:
            raise ValueError(
                f"load_weights: model {self.name!r} is not built: call build(input_shape) first."
            )
        load_weights(self, filepath)

    # ---- the engine

    def _engine(self) -> Trainer:
        """The trainer; one that can only predict when the model is not compiled."""
        if self._trainer is None:
            self._trainer = self._new_trainer()
        return self._trainer

    def _new_trainer(self) -> Trainer:
        # A proxy: two that own each other would stay until the garbage collector comes by.
        return Trainer(weakref.proxy(self), **self._compiled_with or {})

    def _changed(self) -> None:
        """Layers came or went: programs planned before are void."""
        revise()
        self.__dict__.pop("_eager_routines", None)
        if self._trainer is not None:
            self._trainer = self._new_trainer()

    def _require_compiled(self, what: str) -> Trainer:
        if not self.compiled:
            raise ValueError(
                f"{what}: model {self.name!r} is not compiled. Call model.compile(optimizer=..., "
                "loss=...) first."
            )
        return self._trainer

    def _batch_result(self, trainer: Trainer, return_dict: bool):
        trainer.release()
        logs = trainer.logs()
        return dict(sorted(logs.items())) if return_dict else _values(logs)


def _values(logs: dict[str, float]):
    values = list(logs.values())
    return values if len(values) > 1 else values[0]
