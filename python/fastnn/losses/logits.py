"""What stands before the last activation, where a loss that wants scores got probabilities."""

from __future__ import annotations

import warnings

from fastnn.graph.tensor import Tensor


def logits_of(activation: str, y_pred):
    """The scores: y_pred, or what the op `activation` was computed from, with a warning (Keras does
    the same: a softmax is never applied twice).
    """
    node = y_pred.node if isinstance(y_pred, Tensor) else None
    if node is None or node.op.name != activation:
        return y_pred
    warnings.warn(
        f"from_logits=True, but the predictions are the output of a {activation}: the loss takes "
        f"what stands before it. Leave out from_logits, or the {activation}.",
        stacklevel=2,
    )
    return node.inputs[0]
