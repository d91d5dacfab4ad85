"""The model's buffers on a device. They belong to the host, but while a fit runs the device may
have the newest: they come home when Python looks at a variable, and at the end.
"""

from __future__ import annotations

import weakref

import numpy as np

from fastnn.graph.away import go_away
from fastnn.graph.storage import revise

from .device import cuda_module


class Mirror:
    """A buffer's copy in a device's memory, shared by all programs that work on the buffer."""

    _made: weakref.WeakValueDictionary[tuple, Mirror] = weakref.WeakValueDictionary()

    def __init__(self, space: str, buffer: np.ndarray, device: int):
        self.space = space
        self.buffer = buffer
        self.memory = cuda_module().Memory(device, buffer.nbytes)
        self._newer = False  # is the host's out of date?
        self._away = False  # is the device's what the host's would be?

    @staticmethod
    def of(space: str, buffer: np.ndarray, device: int) -> Mirror:
        key = (device, buffer.ctypes.data, buffer.nbytes)
        made = Mirror._made.get(key)
        if made is None:
            made = Mirror._made[key] = Mirror(space, buffer, device)
        return made

    def go(self, stay: bool) -> None:
        """The device has what the host has. `stay`: until somebody looks."""
        if self._away:
            return
        self.memory.upload(self.buffer)
        if stay:
            self._away = True
            go_away(self)
            revise()  # whoever calls the model looks

    def written(self) -> None:
        """By the device."""
        self._newer = True
        if not self._away:
            self._fetch()

    def come_home(self) -> None:
        """The host may read, and write, its own again. Called by `graph.away.come_home`."""
        if self._newer:
            self._fetch()
        self._away = False

    def _fetch(self) -> None:
        self.memory.download(self.buffer)
        self._newer = False
