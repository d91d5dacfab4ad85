"""What the gradient rules of losses share."""

from __future__ import annotations

from .add import add
from .broadcast_axis import broadcast_axis
from .softmax import softmax_grad


def symmetric(grad_op):
    """Gradient rule of a loss that is the same with target and prediction exchanged."""

    def rule(node, drows):
        target, prediction = node.inputs
        return (
            grad_op(prediction, target, drows, **node.attrs),
            grad_op(target, prediction, drows, **node.attrs),
        )

    return rule


def spread(drows, like, scale: float):
    """The gradients of the rows (...), times `scale`, repeated along the last axis of `like`."""
    return broadcast_axis(drows, axis=drows.ndim, size=like.shape[-1], scale=scale)


def logits_gradient(grad_op, node, drows, dprobabilities):
    """d(logits) of a loss that returns (rows, probabilities); either's gradient may be None."""
    probabilities = node.outputs[1]
    dlogits = None
    if drows is not None:
        dlogits = grad_op(node.inputs[0], probabilities, drows, **node.attrs)
    if dprobabilities is not None:
        through = softmax_grad(dprobabilities, probabilities)
        dlogits = through if dlogits is None else add(dlogits, through)
    return dlogits


def row_flops(node) -> int:
    """A few operations for each element of the prediction."""
    return 5 * node.inputs[1].size
