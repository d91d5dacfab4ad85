"""Chained products: the optimizer's step done while it runs gives the bits of the two instructions
done one after the other, in every form, shape and number of threads, by every instruction set."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fastnn import _core
from fastnn.planner.signature import signatures
from fastnn.runtime.instr import CHAINED, INSTR, SERIAL

# Spaces: A, B, gradient, then the parameter, its slots and the factor on the gradient.
A, B, GRADIENT, FIRST, FACTOR = 0, 1, 2, 3, 7
SLOTS = {  # opcode: (slots there, places for slots), attributes after `column` and `clip`
    "sgd": (1, 1, [0.9, 1]),
    "adam": (3, 3, [0.9, 0.99, 1e-3]),
    "rmsprop": (3, 3, [0.9, 0.5, 1e-3]),
    "adagrad": (1, 1, [1e-3]),
    "adadelta": (2, 2, [0.9, 1e-3]),
    "adamax": (2, 2, [0.9, 0.99, 1e-3]),
    "nadam": (2, 2, [0.9, 0.99, 1e-3]),
}
FEWER = {"sgd": 0, "adam": 2, "rmsprop": 1}  # slots there in the plainer form
FORMS = ("nn", "nt", "tn")
SHAPES = [  # (m, n, k): tails in every direction; one block of k and several; packed and turned
    (1, 1, 1),
    (3, 5, 0),
    (8, 48, 16),
    (13, 51, 40),
    (130, 10, 33),
    (10, 130, 300),
    (97, 131, 70),
    (70, 200, 700),
    (200, 1100, 130),  # several blocks of rows and of columns; both factors packed
    (520, 1040, 9),  # B packed although it is small
]


def instruction(opcode, dims, attrs, spaces, flags=0):
    record = np.zeros((), INSTR)
    record["opcode"], record["flags"] = signatures()[opcode].code, flags
    record["dims"][: len(dims)] = dims
    record["attrs"][: len(attrs)] = attrs
    record["operands"]["space"] = -1
    for i, space in enumerate(spaces):
        record["operands"][i]["space"] = -1 if space is None else space
    return record


def pair(form, m, n, k, opcode, fewer=False, clip=0.0, factor=False, flags=0, bias=None):
    """A product and the optimizer's step on it, with `flags` on the product."""
    there, room, attrs = SLOTS[opcode]
    there = FEWER.get(opcode, there) if fewer else there
    slots = [FIRST + 1 + i if i < there else None for i in range(room)]
    dims = {"m": m, "n": n, "k": k}
    product = f"matmul_{form}"
    return [
        instruction(
            product,
            [dims[d] for d in signatures()[product].dims],
            [0, 0],
            [A, B, bias, None, GRADIENT],
            flags,
        ),
        instruction(
            opcode,
            [m * n],
            [1, clip, *attrs],
            [FIRST, GRADIENT, *slots, FACTOR if factor else None],
            flags & SERIAL,
        ),
    ]


def memory(m, n, k, zeros, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=m * k).astype(np.float32)
    a *= rng.random(m * k) >= zeros
    wide = [rng.normal(size=k * n), np.full(m * n, np.nan), rng.normal(size=m * n)]
    slots = [rng.random(m * n) for _ in range(3)]
    return [a, *(x.astype(np.float32) for x in (*wide, *slots)), np.float32([0.7])]


SCALARS = np.float32([[np.nan, 0.05, 0.01, 0.9, 0.8, 1.1], [np.nan, 0.04, 0.02, 0.8, 0.7, 1.2]])


def run(isa, threads, instrs, spaces):
    """What two steps make of the parameter and its slots."""
    spaces = [x.copy() for x in spaces]
    program = _core.Program(np.array(instrs), [x.nbytes for x in spaces], isa=isa)
    program.bind(spaces).run(steps=2, scalars=SCALARS, threads=threads)
    return [x.tobytes() for x in spaces[FIRST:]]


@pytest.fixture(params=_core.isas())
def isa(request):
    return request.param


@pytest.mark.parametrize("opcode", SLOTS)
@pytest.mark.parametrize("form", FORMS)
def test_same_bits_as_one_after_the_other(isa, form, opcode):
    options = itertools.cycle(itertools.product((False, True), (0.0, 0.3), (False, True)))
    for (m, n, k), zeros in itertools.product(SHAPES, (0.0, 0.9)):
        fewer, clip, factor = next(options)
        given = (form, m, n, k, opcode, fewer, clip, factor)
        spaces = memory(m, n, k, zeros)
        want = run(isa, 1, pair(*given), spaces)
        changed = [x.tobytes() for x in spaces[FIRST:]]
        assert m * n * k == 0 or want != changed
        for threads in (1, 2, 3, 7):
            got = run(isa, threads, pair(*given, flags=CHAINED), spaces)
            assert got == want, (m, n, k, zeros, fewer, clip, factor, threads)


def test_bias_and_activation_come_first(isa):
    m, n, k = 30, 50, 20
    spaces = memory(m, n, k, 0.0)
    both = [pair("tn", m, n, k, "adam", flags=f) for f in (0, CHAINED)]
    for product, _ in both:
        product["operands"]["space"][2] = FACTOR + 1  # the bias
        product["attrs"][0] = 1  # relu
    spaces.append(np.linspace(-1, 1, n, dtype=np.float32))
    assert run(isa, 1, both[0], spaces) == run(isa, 2, both[1], spaces)


def test_by_one_thread(isa):
    spaces = memory(20, 30, 10, 0.0)
    want = run(isa, 1, pair("tn", 20, 30, 10, "adam"), spaces)
    assert run(isa, 3, pair("tn", 20, 30, 10, "adam", flags=CHAINED | SERIAL), spaces) == want


def test_the_gradient_stays_out_of_memory(isa):
    """Where all of k is done at once, nothing is written to the gradient's place."""
    m, n, k = 64, 96, 32
    spaces = memory(m, n, k, 0.0)
    instrs = np.array(pair("tn", m, n, k, "sgd", flags=CHAINED))
    runner = _core.Program(instrs, [x.nbytes for x in spaces], isa=isa).bind(spaces)
    runner.run(scalars=SCALARS)
    assert np.isnan(spaces[GRADIENT]).all()


# ---- wrong chains are refused

M, N, K = 8, 16, 4


def changed(which, **fields):
    """The right pair, with some fields of its instruction `which` changed."""
    both = pair("tn", M, N, K, "adam", flags=CHAINED)
    for field, value in fields.items():
        if isinstance(value, tuple):  # operand, its space, its offset
            both[which]["operands"][value[0]] = value[1], 0, value[2]
        else:
            both[which][field] = value
    return both


def relu(x, y, flags=0):
    return instruction("relu", [M * N], [], [x, y], flags)


WRONG = {
    "nothing follows": (
        changed(0)[:1],
        r"instruction 0 \(matmul_tn.*it is chained, but no instruction follows",
    ),
    "no optimizer": (
        [changed(0)[0], relu(GRADIENT, FIRST)],
        r"instruction 1 \(relu.*follows a chained product, expected an optimizer",
    ),
    "no product": (
        [relu(A, GRADIENT, CHAINED), changed(0)[1]],
        r"instruction 0 \(relu.*it is chained, expected of matrix products only",
    ),
    "a barrier between": (changed(1, flags=1), r"instruction 1 .*its flags are 1, expected 0"),
    "serial, half": (changed(1, flags=SERIAL), r"instruction 1 .*its flags are 2, expected 0"),
    "two in a row": (changed(1, flags=CHAINED), r"instruction 1 .*its flags are 4, expected 0"),
    "another gradient": (
        changed(1, operands=(1, GRADIENT, 512)),
        r"instruction 1 .*operand 1 .*is not the result of the chained product",
    ),
    "a part of it": (
        changed(1, dims=[M * N - 1, 0, 0, 0, 0, 0, 0, 0]),
        r"operand 1 .*bytes \[0, 508\), is not the result .* bytes \[0, 512\)",
    ),
    "A is the parameter": (
        changed(0, operands=(0, FIRST, 0)),
        r"instruction 1 .*operand 0 .*overlaps operand 0 of the chained product",
    ),
    "B is a slot": (
        changed(0, operands=(1, FIRST + 2, 64)),
        r"operand 3 .*overlaps operand 1 of the chained product",
    ),
    "the factor is the value before": (
        [changed(0, operands=(5, FACTOR, 0))[0], changed(1, operands=(5, FACTOR, 4))[1]],
        r"operand 5 .*at bytes \[4, 8\), overlaps operand 5 of the chained product",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_chains_are_refused(name):
    instrs, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        _core.Program(np.array(instrs), [4096] * 9)


def test_the_right_pair_is_accepted():
    assert len(_core.Program(np.array(changed(0)), [4096] * 9)) == 2
