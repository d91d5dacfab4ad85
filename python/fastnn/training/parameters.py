"""A model's variables, laid out flat: all trainable ones in one buffer, their gradients in another
of the same layout, and each optimizer slot in one more. An optimizer step is then one kernel over
one range, and clipping one reduction.
"""

from __future__ import annotations

import numpy as np

from fastnn.graph.away import come_home
from fastnn.graph.storage import Storage, allocate
from fastnn.graph.tensor import Variable
from fastnn.planner import Place


class Parameters:
    """Lays out `variables` (they become views into the flat buffers) and makes room for gradients
    and for one slot per entry of `slot_values`, its starting value. `trainable` are those to train,
    by default those marked so.
    """

    def __init__(self, variables: list[Variable], slot_values: list[float] = (),
                 trainable: list[Variable] | None = None):  # fmt: skip
        if trainable is None:
            trainable = [v for v in variables if v.trainable]
        self.params = _stored("params", trainable)
        self.frozen = _stored("frozen", [v for v in variables if v not in trainable])
        self.variables = self.params.variables
        self._grads = allocate(self.params.nbytes)
        self.slot_count = len(slot_values)
        self._slots = allocate(self.slot_count * self.params.nbytes)
        for k, start in enumerate(slot_values):
            for v in self.variables:
                self.slot(k, v)[...] = start

    @property
    def grads(self) -> np.ndarray:
        """The flat gradients, bytes."""
        come_home(self._grads)
        return self._grads

    @property
    def slots(self) -> np.ndarray:
        """The optimizer's slots one after another, bytes."""
        come_home(self._slots)
        return self._slots

    @property
    def buffers(self) -> dict[str, np.ndarray]:
        """Byte buffers by space name, for a program."""
        return {
            "params": self.params.buffer,
            "frozen": self.frozen.buffer,
            "grads": self._grads,
            "slots": self._slots,
        }

    def current(self, variables: list[Variable], trainable: list[Variable]) -> bool:
        """Are these still the variables, laid out here, with the same ones trained?"""
        frozen = [v for v in variables if v not in trainable]
        return self.params.holds(trainable) and self.frozen.holds(frozen)

    def keep_slots(self, old: Parameters) -> None:
        """Takes over the slots of the variables that an older layout trained too."""
        for v, offset in zip(old.params.variables, old.params.offsets, strict=True):
            if v in self.variables:
                for k in range(self.slot_count):
                    begin = k * old.params.nbytes + offset
                    values = old.slots[begin : begin + v.nbytes].view(np.float32)
                    self.slot(k, v)[...] = values.reshape(v.shape)

    def slot(self, k: int, v: Variable) -> np.ndarray:
        """A view of slot `k` of variable `v`, in v's shape."""
        begin = k * self.params.nbytes + v.offset
        return self.slots[begin : begin + v.nbytes].view(np.float32).reshape(v.shape)

    def gradient(self, v: Variable) -> np.ndarray:
        """A view of the gradient of `v` that the last step left behind, if it was told to keep it
        (`Trainer(keep_gradients=True)`)."""
        return self.grads[v.offset : v.offset + v.nbytes].view(np.float32).reshape(v.shape)

    def home(self, v: Variable) -> Place:
        """Where the gradient of `v` belongs."""
        return Place("grads", v.offset, v.nbytes)

    def range(self, first: Variable, last: Variable) -> tuple[Variable, Variable, list[Variable]]:
        """(parameters, gradients, [slots]) as flat float32 tensors, from `first` to the end of
        `last`, padding included (it is zero in all of them and stays so)."""
        begin, end = first.offset, last.offset + last.nbytes

        def flat(space, buffer, base=0):
            view = buffer[base + begin : base + end].view(np.float32)
            tensor = Variable(view, name=space, space=space)
            tensor.value, tensor.offset = view, base + begin
            return tensor

        slots = [flat("slots", self.slots, k * self.params.nbytes) for k in range(self.slot_count)]
        return flat("params", self.params.buffer), flat("grads", self.grads), slots

    def grad(self, v: Variable) -> Variable:
        """The gradient of one variable as a flat tensor."""
        return self.range(v, v)[1]


def _stored(space: str, variables: list[Variable]) -> Storage:
    """The storage that holds exactly these variables already, or a new one."""
    for v in variables[:1]:
        if v.storage is not None and v.storage.space == space and v.storage.holds(variables):
            return v.storage
    return Storage(space, variables)
