"""Activations by number: the attribute `activation` of fused ops, as in `csrc/cpu/activation.h`."""

from __future__ import annotations

from ._op import registry

_NAMES = (
    "linear", "relu", "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "silu", "sigmoid", "tanh",
    "softplus", "exp",
)  # fmt: skip
ACTIVATIONS: dict[str, int] = {name: number for number, name in enumerate(_NAMES)}


def check_activation(name: str) -> None:
    """Raises ValueError for an activation that kernels do not know."""
    if name not in ACTIVATIONS:
        raise ValueError(f"activation {name!r} is not one of {', '.join(ACTIVATIONS)}.")


def activation_attrs(node) -> dict[str, float]:
    """The native attributes of an op fused with an activation."""
    return {"activation": ACTIVATIONS[node.attrs["activation"]], "alpha": node.attrs["alpha"]}


def apply(name: str, x, alpha: float):
    """The activation's reference."""
    if name == "linear":
        return x
    op = registry[name]
    return op.reference(x, **({"alpha": alpha} if "alpha" in op.attrs else {}))


def apply_grad(name: str, dy, saved, alpha: float):
    """The reference of the activation's gradient; `saved` is what that reads."""
    if name == "linear":
        return dy
    if name == "exp":
        return dy * saved
    op = registry[f"{name}_grad"]
    return op.reference(dy, saved, **({"alpha": alpha} if "alpha" in op.attrs else {}))
