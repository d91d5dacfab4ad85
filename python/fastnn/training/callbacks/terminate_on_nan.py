"""Stop when the loss is no number any more."""

from __future__ import annotations

import math

from ..progress import say
from .callback import Callback, Logs


class TerminateOnNaN(Callback):
    """Ends training when the loss is NaN or infinite; `keras.callbacks.TerminateOnNaN`.

    It looks after every chunk of about 50 ms: a running mean that was once not finite stays so, and
    nothing is missed. `Trainer(check_finite=True)` names the instruction that made it.

    Args:
        raise_error: raise RuntimeError instead.
    """

    def __init__(self, raise_error: bool = False):
        self.raise_error = raise_error

    def on_train_chunk_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"NaN or Inf loss encountered by batch {batch}: {loss}")
        say(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
