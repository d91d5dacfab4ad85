"""PyDataset: batches by number, made by a class of the user's."""

from __future__ import annotations


class PyDataset:
    """Base class of data that gives batches by number; `keras.utils.PyDataset`, also `Sequence`.

    A subclass has `__getitem__(i)`, which gives the batch i as (x, y) or (x, y, sample_weight), and
    `__len__()`, the number of batches. Without `__len__` there is no end, and the number of steps
    must be given to `fit`. Objects with these two methods need no base class.

    The arguments are Keras'; batches are asked for one at a time, in the thread that trains.
    """

    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int):
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index).")

    @property
    def num_batches(self) -> int | None:
        """The number of batches; None where there is no end."""
        return len(self) if hasattr(self, "__len__") else None

    def on_epoch_begin(self) -> None:
        """Called before the first batch of an epoch."""

    def on_epoch_end(self) -> None:
        """Called after the last batch of an epoch."""
