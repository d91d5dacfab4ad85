"""The instruction set as Python sees it: `opcodes.def`, parsed once.

The grammar is at the top of that file. CMake installs it beside this module; a source tree is read
from `csrc/`. No native code is needed.
"""

from __future__ import annotations

import functools
import math
import os
import re
from dataclasses import dataclass

DTYPES = {"f32": "float32", "f64": "float64", "i32": "int32", "i64": "int64", "u8": "uint8"}


@dataclass(frozen=True)
class Operand:
    """One operand of an opcode. `dims` holds names, numbers, "*" or (name, limit) for `a:b`."""

    dtype: str
    dims: tuple
    written: bool  # an output, or `!`
    read: bool
    optional: bool
    inplace: bool  # `~`


@dataclass(frozen=True)
class Signature:
    """One line of opcodes.def; `code` is its position."""

    name: str
    code: int
    operands: tuple[Operand, ...]
    dims: tuple[str, ...]
    attrs: tuple[str, ...]

    @property
    def reads(self) -> list[int]:
        """Positions of the operands left of the arrow."""
        return [i for i, o in enumerate(self.operands) if o.read]

    @property
    def writes(self) -> list[int]:
        """Positions of the operands right of the arrow."""
        return [i for i, o in enumerate(self.operands) if not o.read]


def _operand(text: str, written: bool) -> Operand:
    match = re.fullmatch(r"(\w+)\[([^\]]*)\]([?!~]*)", text)
    if not match or match[1] not in DTYPES:
        raise ValueError(f"opcodes.def: cannot read the operand {text!r}")
    dims = []
    for d in match[2].split(","):
        name, _, limit = d.partition(":")
        dims.append((name, limit) if limit else int(d) if d.isdigit() else d)
    marks = match[3]
    return Operand(
        DTYPES[match[1]],
        tuple(dims),
        written or "!" in marks,
        not written,
        "?" in marks,
        "~" in marks,
    )


def parse(text: str) -> dict[str, Signature]:
    """Signatures by name, from the text of opcodes.def."""
    table: dict[str, Signature] = {}
    for name, line, attrs in re.findall(r'^OPCODE\((\w+),\s*"([^"]*)",\s*"([^"]*)"\)', text, re.M):
        reads, _, writes = line.partition("->")
        operands = [_operand(t, False) for t in reads.split()]
        operands += [_operand(t, True) for t in writes.split()]
        dims: list[str] = []
        for d in (d for o in operands for d in o.dims):
            for n in d if isinstance(d, tuple) else (d,):
                if isinstance(n, str) and n != "*" and n not in dims:
                    dims.append(n)
        table[name] = Signature(
            name, len(table), tuple(operands), tuple(dims), tuple(attrs.split())
        )
    return table


@functools.cache
def signatures() -> dict[str, Signature]:
    """The installed instruction set."""
    here = os.path.dirname(__file__)
    for path in ("opcodes.def", "../../../csrc/program/opcodes.def"):  # installed; in the tree
        if os.path.exists(path := os.path.join(here, path)):
            with open(path, encoding="utf-8") as file:
                return parse(file.read())
    raise FileNotFoundError("opcodes.def is missing from the installation; reinstall fastnn.")


def match_dims(sig: Signature, shapes: list, given: dict[str, int]) -> dict[str, int]:
    """Finds every dim of `sig` by matching its operands to `shapes` (None: absent).

    A one-dim operand is its whole tensor; a two-dim one is (all leading axes, last axis); `*` takes
    the first axis and what follows takes the rest. Dims in `given` are taken as they are.
    """
    dims = dict(given)

    def put(name, size, operand):
        if isinstance(name, str) and dims.setdefault(name, size) != size:
            raise ValueError(
                f"{sig.name}: operand {operand} has {size} where dim {name!r} is {dims[name]}."
            )

    for i, (operand, shape) in enumerate(zip(sig.operands, shapes, strict=True)):
        if shape is None:
            continue
        names = [d[0] if isinstance(d, tuple) else d for d in operand.dims]
        sizes = tuple(shape)
        if names[0] == "*":
            names, sizes = names[1:], sizes[1:]
        if any(name in given for name in names):
            continue  # the op has worked this operand out itself
        if len(names) == 1:
            put(names[0], math.prod(sizes), i)
        elif len(names) == 2:
            put(names[0], math.prod(sizes[:-1]), i)
            put(names[1], sizes[-1] if sizes else 1, i)
    missing = [d for d in sig.dims if d not in dims]
    if missing:
        raise ValueError(f"{sig.name}: the dims {missing} are not given by the operands' shapes.")
    return {d: dims[d] for d in sig.dims}
