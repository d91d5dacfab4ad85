"""The operations: one file each, with its shape rule, its gradient rule and its NumPy reference.

Called on symbolic tensors an op records a node; called on arrays it runs at once, natively:

    y = ops.relu(x)                        # x: NumPy, or a tensor of a graph
    ops.add(a, b, out=y)

`registry` finds an op by name. `docs/add_an_op.md` shows how to add one. An op's file is imported
when the op is first asked for, so that `import fastnn` reads none of them.
"""

from __future__ import annotations

import sys
from types import ModuleType

from ._op import Op as Op
from ._op import registry

_ELSEWHERE = {"ACTIVATIONS": "_activations", "mean": "_reductions", "sum": "_reductions"}


class _Ops(ModuleType):
    """This package. `ops.relu` is the op of the file `relu.py`, never the file itself."""

    def __getattr__(self, name: str):
        if name in _ELSEWHERE:
            from importlib import import_module

            value = getattr(import_module(f"{__name__}.{_ELSEWHERE[name]}"), name)
        elif name in registry:
            value = registry[name]
        else:
            raise AttributeError(f"fastnn.ops has no op {name!r}", name=name, obj=self)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value) -> None:
        # Importing a file binds it to its name in the package: the op takes that place.
        if isinstance(value, ModuleType) and not name.startswith("_"):
            value = registry[name]
        super().__setattr__(name, value)

    def __dir__(self):
        return sorted({*registry, *_ELSEWHERE, "Op", "registry"})


sys.modules[__name__].__class__ = _Ops
