"""Minibatches whose rows lie in two halves: the same bits as where they lie as they are, from every
kind of data, in any number of threads, by every instruction set; and only where all products that
read them are made in halves."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import _core
from fastnn.planner.signature import signatures
from fastnn.runtime.instr import BARRIER, HALVED, INSTR
from tests.kernels.software import Software

BATCH = 9
# Spaces: the data, their order, the minibatch, two matrices of weights and what the products make.
DATA, ORDER, X, W, Z, DZ, DW = range(7)


@pytest.fixture(params=_core.isas())
def isa(request):
    return request.param


def instruction(opcode, dims, attrs, spaces, flags):
    record = np.zeros((), INSTR)
    record["opcode"], record["flags"] = signatures()[opcode].code, flags
    record["dims"][: len(dims)] = dims
    record["attrs"][: len(attrs)] = attrs
    record["operands"]["space"] = -1
    record["operands"]["space"][: len(spaces)] = spaces
    return record


def gather(dtype, k, flags, batch=BATCH):
    name = {"uint8": "u8", "int32": "i32", "int64": "i64", "float32": "f32", "float64": "f64"}
    opcode = f"gather_{name[dtype]}_f32"
    return instruction(opcode, [k, batch], [0.5, -1], [DATA, ORDER, X], flags)


def forward(n, k, flags, precision=0, batch=BATCH):
    return instruction(
        "matmul_nn", [batch, k, n], [0, 0, precision], [X, W, -1, -1, Z], flags | BARRIER
    )


def gradient(n, k, flags, activation=0, precision=0, batch=BATCH):
    return instruction(
        "matmul_tn", [batch, k, n], [activation, 0, precision], [X, DZ, -1, -1, DW], flags
    )


def memory(dtype, n, k, zeros=0.0, batch=BATCH):
    rng, rows = np.random.default_rng(0), 3 * batch
    data = rng.integers(3, 200, (rows, k)).astype(dtype)
    data[rng.random((rows, k)) < zeros] = 2  # which scale and shift make 0
    order = rng.permutation(rows)
    x = np.full((batch, k), np.nan, np.float32)
    w, dz = (rng.normal(size=s).astype(np.float32) for s in ((k, n), (batch, n)))
    z, dw = (np.full(s, np.nan, np.float32) for s in ((3 * batch, n), (k, n)))
    return [data, order, x, w, z, dz, dw]


def run(isa, threads, instrs, spaces):
    """The minibatch, Z and DW after two steps."""
    spaces = [s.copy() for s in spaces]
    program = _core.Program(np.array(instrs), [s.nbytes for s in spaces], isa=isa)
    program.bind(spaces).run(steps=2, batch=len(spaces[X]), threads=threads)
    return spaces[X], spaces[Z].tobytes(), spaces[DW].tobytes()


def apart(x):
    """The rows of x in two halves, as one matrix of x's shape."""
    middle = x.shape[1] // 2
    return np.concatenate([x[:, :middle].ravel(), x[:, middle:].ravel()]).reshape(x.shape)


def check(isa, steps, spaces, halved):
    """`steps(flags)` make the same, marked and not; the marked minibatch lies in halves, or not."""
    x, *want = run(isa, 1, steps(0), spaces)
    assert np.isfinite(x).all() and want[0] != spaces[Z].tobytes()
    for threads in (1, 2, 3, 7):
        marked, *got = run(isa, threads, steps(HALVED), spaces)
        assert got == want, threads
        assert marked.tobytes() == (apart(x) if halved else x).tobytes(), threads


@pytest.mark.parametrize("zeros", [0.0, 0.9])
@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("n, k", [(64, 512), (70, 785)])
def test_same_bits(isa, dtype, n, k, zeros):
    check(
        isa,
        lambda flags: [gather(dtype, k, flags), forward(n, k, flags), gradient(n, k, flags)],
        memory(dtype, n, k, zeros),
        halved=True,
    )


def test_a_half_may_skip_what_is_too_much_for_the_whole(isa):
    """The bits of its zeros need room that the whole's would not be given."""
    n, k, batch = 64, 4096, 600
    check(
        isa,
        lambda flags: [
            gather("uint8", k, flags, batch),
            forward(n, k, flags, batch=batch),
            gradient(n, k, flags, batch=batch),
        ],
        memory("uint8", n, k, 0.95, batch),
        halved=True,
    )


def has_dots():
    try:
        return bool(_core.matmul_reason(1, 64, 64, "nn", isa="avx512_bf16"))
    except ValueError:
        return False


@pytest.mark.parametrize("precision", [1, 2])
@pytest.mark.parametrize("isa", [*_core.isas(), *["avx512_bf16"] * has_dots()])
def test_same_bits_in_bf16(isa, precision):
    """Tiles make halves as float32 does; dots do not, and float32 stands for what is not there."""
    n, k = 70, 785
    made = [_core.matmul_reason(BATCH, n, k, "nn", precision=p, isa=isa) for p in (1, 2)]
    dots = made[1].startswith("bf16:") and not made[0].startswith("bf16x3:")
    check(
        isa,
        lambda flags: [
            gather("float32", k, flags),
            forward(n, k, flags, precision),
            gradient(n, k, flags, precision=precision),
        ],
        memory("float32", n, k),
        halved=not (dots and precision == 2),
    )


@pytest.mark.parametrize("precision", [1, 2])
@pytest.mark.parametrize("instr", [forward, gradient])
def test_tiles_read_halves(instr, precision):
    """By the unit in software: AMX's tiles, also where there are none."""
    n, k = 70, 785
    spaces = memory("float32", n, k)
    x = np.random.default_rng(1).normal(size=(BATCH, k)).astype(np.float32)
    made = []
    for flags, minibatch in ((0, x), (HALVED, apart(x))):
        record = instr(n, k, flags, precision=precision).reshape(1)
        places = record["operands"]["space"][0]
        spaces = [*spaces[:X], minibatch, *(s.copy() for s in spaces[W:])]
        for parts in (1, 2, 3):
            Software("software tiles").run(
                record, [spaces[i] if i >= 0 else None for i in places], parts
            )
            made.append(spaces[places[4]].tobytes())
    assert len(set(made)) == 1


def as_other_rows(n, k, flags):
    """The minibatch as a matrix of more rows."""
    step = forward(n, k // 3, flags)
    step["dims"][0] = 3 * BATCH
    return step


OTHERS = {  # what else may be marked, and is not made in halves
    "short rows": (64, 511, lambda n, k, f: [forward(n, k, f), gradient(n, k, f)]),
    "few columns": (63, 512, lambda n, k, f: [forward(n, k, f), gradient(n, k, f)]),
    "many weights": (513, 512, lambda n, k, f: [forward(n, k, f), gradient(n, k, f)]),
    "an activation": (64, 512, lambda n, k, f: [forward(n, k, f), gradient(n, k, f, activation=2)]),
    "other rows": (64, 1536, lambda n, k, f: [as_other_rows(n, k, f), gradient(n, k, f)]),
    "other width": (64, 700, lambda n, k, f: [forward(n, k - 100, f), gradient(n, k, f)]),
    "no marks": (64, 512, lambda n, k, f: [forward(n, k, 0), gradient(n, k, 0)]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_all_or_none(isa, name):
    n, k, steps = OTHERS[name]
    spaces = memory("uint8", n, k)
    check(isa, lambda f: [gather("uint8", k, f), *steps(n, k, f)], spaces, halved=False)


def test_a_product_without_its_gather_is_not(isa):
    n, k = 64, 512
    spaces = memory("uint8", n, k)
    check(
        isa,
        lambda f: [gather("uint8", k, 0), forward(n, k, f), gradient(n, k, f)],
        spaces,
        halved=False,
    )
