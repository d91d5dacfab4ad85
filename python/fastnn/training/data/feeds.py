"""Feeds: where the rows of an epoch come from, chunk by chunk.

A chunk is a range of rows of arrays that the engine runs through without a look back at Python:
many minibatches of a data set in memory, or the single batch that a generator just gave.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastnn.runtime.interop import is_on_device

from .arrays import as_inputs, check_place
from .targets import as_arrays


class Chunk(NamedTuple):
    """Rows [first_row, first_row + rows) of `order`, or of x where there is no order."""

    x: np.ndarray
    y: np.ndarray | None
    sample_weight: np.ndarray | None
    order: np.ndarray | None
    batch_size: int
    first_row: int
    rows: int

    @property
    def batches(self) -> int:
        return -(-self.rows // self.batch_size)


def make_feed(trainer, x, y=None, sample_weight=None, class_weight=None, *,
              batch_size: int | None = None, steps: int | None = None,
              shuffle: bool | str = False, predict: bool = False):  # fmt: skip
    """The feed for `x`: an `ArrayFeed` for what becomes an array, else a `BatchFeed`.

    Args:
        batch_size: rows a step, None for all of them. Batches that come ready keep their size.
        steps: batches an epoch; by default one pass over the data.
        shuffle: False, True, or "batch" (whole batches change places).
        predict: only x is wanted; targets that come along in batches are dropped.
    """
    if is_array_like(x):
        if predict:
            arrays = (as_inputs(x, trainer.model), None, None)
            check_place(trainer, x=arrays[0])
        else:
            arrays = as_arrays(trainer, x, y, sample_weight, class_weight)
        return ArrayFeed(trainer, *arrays, batch_size=batch_size, steps=steps, shuffle=shuffle)
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"`{name}` came beside x of type {type(x).__name__}, which gives whole batches: "
                f"these must be tuples (x, y) or (x, y, sample_weight), and `{name}` None."
            )
    return BatchFeed(trainer, x, class_weight, steps=steps, shuffle=shuffle, predict=predict)


def is_array_like(x: Any) -> bool:
    """Is `x` data itself, and not something that gives data batch by batch?"""
    if x is None or hasattr(x, "__array__") or isinstance(x, Sequence | dict | set):
        return True
    if is_on_device(x):
        return True
    return not (hasattr(x, "__getitem__") or hasattr(x, "__iter__"))


class ArrayFeed:
    """Minibatches of arrays, in order or shuffled anew for each pass."""

    def __init__(self, trainer, x, y, sample_weight, *, batch_size, steps=None, shuffle=False):
        self.arrays = (x, y, sample_weight)
        self.rows = len(x)
        self.batch_size = min(batch_size or self.rows, self.rows)
        self.steps: int | None = steps or self._batches
        self._trainer = trainer
        self._shuffle = shuffle
        self._next = 0  # batches of this pass that are done
        self._order = None

    @property
    def _batches(self) -> int:
        return -(-self.rows // self.batch_size)

    def ready(self) -> bool:
        return True

    def rewind(self) -> None:
        self._next = 0

    def chunks(self, batches_at_once: Callable[[], int]) -> Iterator[Chunk]:
        """One epoch. With `steps` an epoch may end, and the next begin, within a pass."""
        left = self.steps
        while left:
            if self._next == 0 and self._shuffle:
                self._order = self._permutation()
            take = min(left, self._batches - self._next, batches_at_once())
            first = self._next * self.batch_size
            rows = min(take * self.batch_size, self.rows - first)
            yield Chunk(*self.arrays, self._order, self.batch_size, first, rows)
            left -= take
            self._next = (self._next + take) % self._batches
            if self._next == 0 and left:
                _warn_out_of_data(self.steps - left, self.steps)
                return

    def _permutation(self) -> np.ndarray:
        """Row numbers, int64, in the order of this pass.

        They depend on the trainer's seed and on the number of steps it has taken, and on nothing
        else: a run resumed from saved weights and optimizer sees the rows it would have seen.
        """
        random = _generator(self._trainer)
        if self._shuffle != "batch":
            return random.permutation(self.rows)
        rows = np.arange(self.rows)
        whole = self.rows // self.batch_size * self.batch_size  # a short last batch stays the last
        batches = rows[:whole].reshape(-1, self.batch_size)
        return np.concatenate([random.permutation(batches).reshape(-1), rows[whole:]])


class BatchFeed:
    """Batches that come ready, from one of

    - an object with `__getitem__(i)` and `__len__` (or `num_batches`), as `keras.utils.PyDataset`:
      `shuffle` permutes i; `on_epoch_begin()` and `on_epoch_end()` are called where they exist;
    - an iterable, which is iterated over anew for each epoch;
    - an iterator or generator, which goes on where the last epoch left it.

    A batch is x or a tuple (x,), (x, y) or (x, y, sample_weight).
    """

    def __init__(self, trainer, source, class_weight=None, *, steps=None, shuffle=False,
                 predict=False):  # fmt: skip
        self._trainer = trainer
        self._source = source
        self._class_weight = class_weight
        self._shuffle = shuffle
        self._predict = predict
        self._length = _length(source)
        self._limit = steps
        self.steps: int | None = steps or self._length
        self._pass: Iterator | None = None  # batches of the pass that is under way

    def ready(self) -> bool:
        """Is there a batch for the next epoch? It is looked at, which builds the model."""
        if self._pass is not None:
            if self._look_ahead():
                return True
            self._end_pass()
        self._begin_pass()
        return self._look_ahead()

    def rewind(self) -> None:
        if self._pass is not None:
            self._end_pass()

    def chunks(self, batches_at_once: Callable[[], int]) -> Iterator[Chunk]:
        """One epoch, once `ready()` said yes: `steps` batches, or the rest of the pass."""
        done = 0
        while self._limit is None or done < self._limit:
            batch = next(self._pass, None)
            if batch is None:
                self._end_pass()
                break
            x, y, sample_weight = batch
            yield Chunk(x, y, sample_weight, None, len(x), 0, len(x))
            done += 1
        if self._limit is None:
            self.steps = self.steps or done
        elif done < self._limit:
            _warn_out_of_data(done, self._limit)

    def _begin_pass(self) -> None:
        _call(self._source, "on_epoch_begin")
        indexed = hasattr(self._source, "__getitem__")
        batches = self._indexed_batches() if indexed else iter(self._source)
        self._pass = map(self._check, batches)

    def _look_ahead(self) -> bool:
        first = next(self._pass, None)
        if first is not None:
            self._pass = itertools.chain([first], self._pass)
        return first is not None

    def _end_pass(self) -> None:
        self._pass = None
        _call(self._source, "on_epoch_end")

    def _indexed_batches(self) -> Iterator:
        if self._length is None:
            order = itertools.count()
        elif self._shuffle:
            order = _generator(self._trainer).permutation(self._length).tolist()
        else:
            order = range(self._length)
        return (self._source[i] for i in order)

    def _check(self, batch):
        """(x, y, sample weights) as arrays that fit the model."""
        parts = tuple(batch) if isinstance(batch, tuple | list) else (batch,)
        if not 1 <= len(parts) <= 3:
            raise ValueError(
                f"A batch from {type(self._source).__name__} has {len(parts)} parts; (x,), (x, y) "
                "or (x, y, sample_weight) is expected."
            )
        x, y, sample_weight = parts + (None,) * (3 - len(parts))
        if self._predict:
            x = as_inputs(x, self._trainer.model)
            check_place(self._trainer, x=x)
            return x, None, None
        return as_arrays(self._trainer, x, y, sample_weight, self._class_weight)


def _generator(trainer):
    """Random numbers that the trainer's seed and its number of steps determine."""
    from numpy.random import Generator, Philox  # numpy loads its random part only when asked

    step = trainer.optimizer.iterations if trainer.optimizer is not None else 0
    return Generator(Philox(key=trainer.seed % 2**64 | step << 64))


def _length(source) -> int | None:
    if hasattr(source, "num_batches"):
        return source.num_batches
    return len(source) if hasattr(source, "__len__") else None


def _call(source, hook: str) -> None:
    if hasattr(source, hook):
        getattr(source, hook)()


def _warn_out_of_data(done: int, steps: int) -> None:
    warnings.warn(
        f"The data ended after {done} of {steps} steps; the epoch ends here. Give fewer steps, or "
        "data that goes on for steps * epochs batches.",
        stacklevel=2,
    )
