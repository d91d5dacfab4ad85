"""Dtype policies: in what a layer stores its weights, and in what it computes.

    keras.mixed_precision.set_global_policy("mixed_bfloat16")  # for the layers made from now on
    layers.Dense(10, dtype="float32")                          # for one layer

Under "mixed_bfloat16" the matrix products of a layer may round their factors to bf16, forward and
for the gradients: they have the precision "medium" (`fastnn.set_matmul_precision`). All else is
float32: weights, activations and results in memory, sums, the other operations, the optimizer. So
it loses less than Keras' policy of that name, whose layers also compute and return bfloat16, and no
loss scaling is needed.
"""

from __future__ import annotations

from typing import Any

from .precision import MEDIUM

__all__ = [
    "DTypePolicy",
    "deserialize",
    "dtype_policy",
    "get",
    "serialize",
    "set_dtype_policy",
]

# name: what products may be computed in, where they need not follow the setting
_COMPUTE = {"float32": "float32", "mixed_bfloat16": "bfloat16"}
_OTHERS = (
    "float16",
    "bfloat16",
    "float64",
    "mixed_float16",
    "float8",
    "int8",
    "int4",
    "gptq",
    "awq",
)


class DTypePolicy:
    """`keras.DTypePolicy`: "float32" or "mixed_bfloat16". Equal where the names are.

    Raises:
        TypeError: `name` is no string.
        ValueError: a policy that Keras has and fastnn has not, or that there is none of.
    """

    def __init__(self, name: str | None = None):
        if not isinstance(name, str | None):
            raise TypeError(
                f"DTypePolicy: a name such as 'mixed_bfloat16' is due. Received: {name!r}"
            )
        self._name = _checked("DTypePolicy", "float32" if name is None else name)

    @property
    def name(self) -> str:
        return self._name

    @property
    def compute_dtype(self) -> str:
        """To what the factors of matrix products are rounded."""
        return _COMPUTE[self._name]

    @property
    def variable_dtype(self) -> str:
        """In what weights are stored: float32."""
        return "float32"

    @property
    def matmul_precision(self) -> str | None:
        """That of the layer's products; None: what `fastnn.set_matmul_precision` says."""
        return MEDIUM if self.compute_dtype == "bfloat16" else None

    def get_config(self) -> dict[str, Any]:
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        return cls(**config)

    def __eq__(self, other) -> bool:
        return isinstance(other, DTypePolicy) and other._name == self._name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


def _checked(where: str, name: str) -> str:
    if name in _COMPUTE:
        return name
    known = " and ".join(map(repr, _COMPUTE))
    if name.startswith(_OTHERS):
        raise ValueError(
            f"{where}: the policy {name!r} is not supported by fastnn; {known} are."
            + (" bf16 needs no loss scaling." if name == "mixed_float16" else "")
        )
    raise ValueError(f"{where}: there is no policy {name!r}; {known} are supported.")


_policy = DTypePolicy()


def dtype_policy() -> DTypePolicy:
    """The policy of the layers that are not told one: "float32" until `set_dtype_policy`."""
    return _policy


def set_dtype_policy(policy: str | DTypePolicy | None) -> None:
    """Sets the policy of the layers made from now on; None is "float32".

    Raises:
        ValueError: a policy that is not supported, or no policy at all.
    """
    global _policy
    if not isinstance(policy, str | DTypePolicy | None):
        raise ValueError(
            "set_dtype_policy: a DTypePolicy or its name, such as 'mixed_bfloat16', is due. "
            f"Received: {policy!r}"
        )
    _policy = policy if isinstance(policy, DTypePolicy) else DTypePolicy(policy)


def get(identifier) -> DTypePolicy:
    """The policy for a name, a config that `serialize` made, or a policy; None: the global one.

    Raises:
        ValueError: a policy that is not supported, or no policy at all.
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    if isinstance(identifier, dict):
        return deserialize(identifier)
    raise ValueError(
        "A dtype policy is a DTypePolicy, its name, or None for the global one. "
        f"Received: {identifier!r}"
    )


def serialize(policy: DTypePolicy) -> dict[str, Any]:
    """As Keras writes it."""
    return {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": policy.get_config(),
        "registered_name": None,
    }


def deserialize(config: dict[str, Any]) -> DTypePolicy:
    """What `serialize` made. Raises ValueError for anything else."""
    names = config.get("config")
    if config.get("class_name") != "DTypePolicy" or not isinstance(names, dict):
        raise ValueError(f"This is no dtype policy that fastnn knows: {config!r}")
    return DTypePolicy.from_config(names)
