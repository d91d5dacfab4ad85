"""A model as a native function of arrays: what `model(x)`, a `predict` of few rows and
`fastnn.compile` have in common.
"""

from __future__ import annotations

from fastnn.graph.storage import REVISION, planning
from fastnn.precision import get_matmul_precision
from fastnn.runtime.eager import flat_buffers
from fastnn.runtime.faults import raise_fault
from fastnn.runtime.load import core
from fastnn.runtime.program import make_routine

from .data import as_array, as_inputs
from .step import call_plan

# More rows are done in steps of so many: the activations stay in the cache.
MOST_ROWS = 256
MOST_ROUTINES = 32  # numbers of rows that are kept; the least recently used goes first


class Caller(core().Caller):
    """caller(x, out=None): the model's outputs for an array, float32.

    Routines are planned when a number of rows first comes, and kept. They read x, and write the
    result, where these lie, and the model's weights where they lie too. A call from C to C: an
    array that a routine fits never comes to Python. Any number of threads may call.
    """

    def __init__(self, model, seed: int = 0):
        super().__init__(REVISION, MOST_ROWS, MOST_ROUTINES, seed)
        self._model = model
        self._buffers: dict = {}
        self._made_for: list = []
        self._precision = ""

    def _prepare(self, x):
        """For what native code has no routine for, or cannot take as it is: (an array that fits
        the model, routine, one for the rows left, how many steps of the first)."""
        x = as_array(x, "x")
        with planning():
            x = as_inputs(x, self._model)
            self._refresh()
            steps, rest = divmod(len(x), MOST_ROWS)
            if steps == 0 or (steps == 1 and rest == 0):
                return x, self._routine(x, len(x)), None, 1
            many = self._routine(x, MOST_ROWS)
            return x, many, self._routine(x, rest) if rest else None, steps

    def _refresh(self) -> None:
        """Drops the routines when what they were made for has changed: the model's layers, the
        places of its weights, the precision of products."""
        buffers = flat_buffers(self._model.weights)
        revision = int(REVISION[0])
        made_for = [*_all_inside(self._model), *(v.storage for v in self._model.weights)]
        precision = get_matmul_precision()
        same = len(made_for) == len(self._made_for) and precision == self._precision
        if not same or any(a is not b for a, b in zip(made_for, self._made_for)):
            self._forget()
            self._buffers, self._made_for, self._precision = buffers, made_for, precision
        self._confirm(revision)

    def _routine(self, x, rows: int):
        routine = self._find(x, rows)
        if routine is None:
            plan = call_plan(self._model, (x.shape[1:], x.dtype.name), rows)
            routine = make_routine(plan, self._buffers, x, rows)
            self._keep(routine)
        return routine

    def _raise(self, fault) -> None:
        raise_fault(*fault)

    def _refuse_out(self, out, x, shape) -> None:
        what = f"{out.dtype}{list(out.shape)}" if hasattr(out, "dtype") else type(out).__name__
        raise ValueError(
            f"`out` must be a C-contiguous, writable array of float32{[len(x), *shape[1:]]} that "
            f"shares no memory with x; {what} came."
        )


def _all_inside(layer):
    """The layers inside a layer, and those inside them."""
    for inner in layer._layers_inside():
        yield inner
        yield from _all_inside(inner)
