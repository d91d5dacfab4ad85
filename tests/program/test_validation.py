"""A wrong instruction list is an exception that says what is wrong, never a crash."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import _core
from fastnn.planner.signature import signatures
from fastnn.runtime.instr import INSTR, REF

ARENA, DATA, LABELS = 0, 1, 2  # the spaces of the programs below
SIZES = [4096, -1, -1]


def instr(name, dims, operands, attrs=(), **fields):
    """One record; operands are (space, offset) or None."""
    record = np.zeros((), INSTR)
    record["opcode"] = signatures()[name].code if isinstance(name, str) else name
    record["dims"][: len(dims)] = dims
    record["attrs"][: len(attrs)] = attrs
    record["operands"]["space"] = -1
    for i, place in enumerate(operands):
        if place is not None:
            record["operands"][i]["space"], record["operands"][i]["offset"] = place
    for field, value in fields.items():
        record[field] = value
    return record


def at(offset, space=ARENA):
    return (space, offset)


def relu(n=16, x=(ARENA, 0), y=(ARENA, 1024), **fields):
    return instr("relu", [n], [x, y], **fields)


def matmul(m=2, k=3, n=4, bias=(ARENA, 1024), saved=None, before=None, attrs=(0, 0), **fields):
    places = [at(0), at(512), bias, saved, at(2048), before]
    return instr("matmul_nn", [m, k, n], places, attrs, **fields)


def add(ar, r, ac, c, br, bc, y=(ARENA, 2048)):
    return instr("add", [ar, r, ac, c, br, bc], [at(0), at(1024), y])


def gather(w=4, b=2, order=(LABELS, 0), y=(ARENA, 0)):
    return instr("gather_u8_f32", [w, b], [at(0, DATA), order, y], (1, 0))


def sgd(column=0, p=(ARENA, 0), g=(ARENA, 1024), velocity=None):
    return instr("sgd", [8], [p, g, velocity, None], (column, 0, 0, 0))


RIGHT = {
    "relu": relu(),
    "relu in place": relu(y=at(0)),
    "nothing at all, at the end": relu(n=0, x=at(4096), y=at(4096)),
    "matmul": matmul(),
    "no bias": matmul(bias=None),
    "saved values": matmul(saved=at(3072), attrs=(1, 0)),
    "K = 0": matmul(k=0),
    "row broadcast": add(1, 3, 4, 4, 3, 4),
    "column broadcast": add(3, 3, 1, 4, 3, 4),
    "in place": add(3, 3, 4, 4, 1, 4, y=at(0)),
    "gather": gather(),
    "gather in order": gather(order=None),
    "sgd": sgd(),
    "last byte": relu(y=at(4096 - 64)),
    "flags": relu(flags=3),
}

HUGE = 2**62
WRONG = {
    "unknown opcode": (instr(9999, [], []), r"unknown opcode, expected one below"),
    "unknown flag": (relu(flags=16), r"unknown flags 16"),
    "halves": (relu(flags=8), r"its rows are to lie in halves, expected of gathers and products"),
    "negative dim": (relu(n=-1), r"dim 'n' is -1, expected at least 0"),
    "dim too many": (instr("relu", [16, 1], [at(0), at(1024)]), r"dim number 1 is 1"),
    "attribute too many": (instr("relu", [4], [at(0), at(64)], [2.5]), r"number 0 is 2.5, but"),
    "overflow": (matmul(m=HUGE, k=8), r"operand 0 'f32\[m,k\]': its size overflows 64 bits"),
    "overflow behind a zero": (matmul(m=HUGE, k=0, n=8), r"overflows 64 bits"),
    "empty but endless": (matmul(m=2**40, k=0, n=0), r"empty, but another of its dims is enormous"),
    "broadcast": (add(2, 3, 4, 4, 3, 4), r"operand 0 'f32\[ar:r,ac:c\]': dim 'ar' is 2, expected 1 "
                                         r"or 'r', which is 3"),
    "broadcast to zero": (add(2, 0, 4, 4, 0, 4), r"dim 'ar' is 2"),
    "absent input": (relu(x=None), r"operand 0 'f32\[n\]': it is absent, expected always"),
    "absent output": (relu(y=None), r"operand 1 'f32\[n\]~': it is absent"),
    "space too high": (relu(x=at(0, 3)), r"space is 3, expected one below 3"),
    "space too low": (relu(x=at(0, -2)), r"space is -2"),
    "negative offset": (relu(x=at(-4)), r"operand 0 .*: its offset is -4"),
    "odd offset": (relu(x=at(2)), r"offset is 2, expected a multiple of 4"),
    "offset for int64": (gather(order=at(4, LABELS)), r"offset is 4, expected a multiple of 8"),
    "past the end": (relu(y=at(4096 - 60)), r"operand 1 .*: it takes 64 bytes from byte 4036 on, "
                                            r"but space 0 has 4096 bytes"),
    "far past the end": (relu(x=at(2**62)), r"but space 0 has 4096 bytes"),
    "offset + size overflows": (gather(order=at(0, LABELS), b=2, w=2**58), r"takes 2305843"),
    "empty rows": (gather(w=0), r"operand 0 'u8\[\*,w\]': its rows are empty"),
    "overlap by a little": (relu(y=at(60)), r"operand 1 .*bytes \[60, 124\).*overlaps operand 0"),
    "same start, other extent": (add(1, 3, 4, 4, 3, 4, y=at(0)), r"exactly the same bytes"),
    "no in-place mark": (instr("copy", [8], [at(0), at(0)]), r"overlaps operand 0 'f32\[n\]'"),
    "two outputs": (matmul(before=at(2048)), r"operand 4 'f32\[m,n\]'.*overlaps operand 5"),
    "saved values where the result goes": (
        matmul(saved=at(2048)), r"operand 4 'f32\[m,n\]'.*overlaps operand 3 'f32\[m,n\]\?'"),
    "saved values, too few": (matmul(saved=at(4096 - 28)), r"operand 3 .*it takes 32 bytes"),
    "in place over an input": (sgd(g=at(0)), r"operand 0 'f32\[n\]!'.*overlaps operand 1"),
    "two in-place operands": (sgd(velocity=at(0)), r"operand 0 .*overlaps operand 2"),
    "another type": (instr("sparse_softmax_crossentropy", [4, 1],
                           [at(0), at(64), at(128), at(0)], [-1]),
                     r"overlaps operand 0 'i32\[r\]'"),
    "activation": (matmul(attrs=(99, 0)), r"attribute 'activation' is 99, expected the number"),
    "activation and a half": (matmul(attrs=(0.5, 0)), r"attribute 'activation' is 0.5"),
    "negative activation": (matmul(attrs=(-1, 0)), r"attribute 'activation' is -1"),
    "NaN": (matmul(attrs=(0, np.nan)), r"attribute 'alpha' is nan, expected a number, not NaN"),
    "k = 0": (instr("sparse_top_k", [2, 4], [at(0), at(64), at(128)], [0]),
              r"attribute 'k' is 0, expected a whole number of at least 1"),
    "rate": (instr("dropout", [8], [at(0), at(64)], [1.5, 0]), r"attribute 'rate' is 1.5"),
    "stream": (instr("dropout", [8], [at(0), at(64)], [0.5, 2**32]), r"attribute 'stream' is"),
    "ignore": (instr("sparse_categorical_crossentropy", [2, 4], [at(0), at(64), at(128)],
                     [1e-7, 0.5]), r"attribute 'ignore' is 0.5, expected a label"),
    "column": (sgd(column=-1), r"attribute 'column' is -1"),
    "nesterov": (instr("sgd", [8], [at(0), at(1024), None, None], (0, 0, 0, 2)),
                 r"'nesterov' is 2"),
    "blocks": (instr("square_sums", [4097, 1], [at(0), at(1024)]),
               r"dim 'blocks' is 1, expected 2 blocks of 4096"),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right(name):
    assert len(_core.Program(np.array([RIGHT[name]]), SIZES)) == 1


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    wrong, message = WRONG[name]
    instrs = np.array([RIGHT["relu"], wrong])
    instrs["node"] = 41, 42
    with pytest.raises(ValueError, match=r"^instruction 1 \(.*node 42\): .*" + message):
        _core.Program(instrs, SIZES)


def test_write_to_read_only_space():
    with pytest.raises(ValueError, match="operand 1 .*: it is written, but space 0 is read-only"):
        _core.Program(np.array([relu()]), [4096], writable=[False])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((np.zeros(263, np.uint8), SIZES), "records of 264 bytes, got 263"),
        ((np.zeros(1, INSTR), [-2]), "space 0 has -2 bytes"),
        ((np.zeros(2, INSTR)[::-1], SIZES), "C-contiguous"),
        (([1, 2], SIZES), "instrs: expected a C-contiguous array"),
        ((np.array([None]), SIZES), "records of 264 bytes, got 8"),
    ],
)
def test_wrong_program_arguments(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        _core.Program(*arguments)


def test_wrong_program_keywords():
    with pytest.raises(ValueError, match="writable: expected one value for each of the 3 spaces"):
        _core.Program(np.array([relu()]), SIZES, writable=[True])
    with pytest.raises(ValueError, match="isa: there are no kernels named 'sse9'"):
        _core.Program(np.array([relu()]), SIZES, isa="sse9")


# ---- binding


def spaces(arena=4096, data=64, labels=8):
    """Memory for `gather()`: data of 16 rows of 4 bytes, an order of `labels` rows."""
    return [_core.allocate(arena), np.zeros(data, np.uint8), np.arange(labels, dtype=np.int64)]


def read_only(array):
    array.flags.writeable = False
    return array


def test_bind_keeps_arrays_and_takes_read_only_inputs():
    arena, data, order = spaces()
    data[:] = np.arange(64)
    runner = _core.Program(np.array([gather()]), SIZES).bind((arena, read_only(data), order))
    del data, order
    assert runner.run(steps=1, row=3, batch=2) is None
    assert arena[:32].view(np.float32).tolist() == [12, 13, 14, 15, 16, 17, 18, 19]


ARENA_BYTES = np.zeros(8192, np.uint8)
BINDINGS = {
    "too few": (spaces()[:2], "has 3 spaces, but memory was given for 2"),
    "nothing": ([None, *spaces()[1:]], "nothing is bound to space 0, which it uses"),
    "too small": (spaces(arena=16), r"needs 32 bytes of space 0, but 16 are bound"),
    "read-only": ([read_only(_core.allocate(4096)), *spaces()[1:]],
                  r"instruction 0 \(gather_u8_f32.*writes to space 0, but .* is read-only"),
    "unaligned": ([ARENA_BYTES[1:4097], *spaces()[1:]], "not aligned to 4 bytes"),
    "overlapping": ([ARENA_BYTES[:4096], ARENA_BYTES[4095:], spaces()[2]],
                    "writes to space 0, and the memory bound to it overlaps space 1"),
    "not contiguous": ([spaces()[0], np.zeros((16, 8), np.uint8)[:, ::2], spaces()[2]],
                       "space 1: expected a C-contiguous array"),
    "not an array": ([spaces()[0], 7, spaces()[2]], "space 1: expected a C-contiguous array"),
    "objects": ([spaces()[0], np.array([None] * 16), spaces()[2]], "space 1: .*Python objects"),
}  # fmt: skip


@pytest.mark.parametrize("name", BINDINGS)
def test_wrong_binding(name):
    bound, message = BINDINGS[name]
    with pytest.raises((ValueError, TypeError), match=message):
        _core.Program(np.array([gather()]), SIZES).bind(bound)


def test_inputs_may_overlap():
    both = np.zeros(64, np.uint8)
    _core.Program(np.array([gather()]), SIZES).bind([spaces()[0], both, both])


# ---- running


def runner(*instrs, memory=None):
    return _core.Program(np.array(instrs), SIZES).bind(memory or spaces())


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"steps": -1}, "steps is -1, expected at least 0"),
        ({"row": -1}, "row is -1"),
        ({"batch": -1}, "batch is -1"),
        ({"step": -1}, "step is -1"),
        ({"steps": 2**40, "batch": 2**40}, "too large together"),
        ({"threads": -1}, "threads: expected 0 .* got -1"),
        ({"threads": 1025}, "threads: expected"),
        ({"scalars": np.zeros((1, 1), np.float32)}, "reads 2 scalars a step, .* has 1 columns"),
        ({}, "reads 2 scalars a step, .* has 0 columns"),
        ({"scalars": np.zeros((1, 2))}, "scalars: expected float32, got elements of type 'd'"),
        ({"scalars": np.zeros(2, np.float32)}, "scalars: expected a table with a row for each"),
        ({"steps": 2, "scalars": np.zeros((1, 2), np.float32)}, "each of the 2 steps, .* 1 rows"),
        ({"seed": -1}, "incompatible function arguments"),
    ],
)
def test_wrong_run(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        runner(sgd()).run(**arguments)


def test_scalars_by_step():
    memory = spaces()
    parameters, gradients = memory[0][:32].view(np.float32), memory[0][1024:1056].view(np.float32)
    parameters[:], gradients[:] = 0, 1
    table = np.array([[1, 0], [2, 0], [4, 0], [99, 0]], np.float32)
    assert runner(sgd(), memory=memory).run(steps=3, scalars=table) is None
    assert parameters.tolist() == [-7] * 8


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_first_fault_ends_the_run(threads):
    """Order [0 .. 8) with batches of 2: step 3 of 10 asks for rows 7 and 8, and 8 is not there."""
    program = gather()
    program["node"] = 5
    result = runner(program).run(steps=10, row=1, batch=2, step=100, threads=threads)
    assert result == (1, 5, 103, 1, 8, 8)


def test_no_steps():
    memory = spaces()
    memory[0][:] = 7
    assert runner(gather(), memory=memory).run(steps=0) is None
    assert (memory[0] == 7).all()


# ---- single instructions


X = np.arange(16, dtype=np.float32)


@pytest.mark.parametrize(
    "operands, message",
    [
        ([X], "expected 2 operands, got 1"),
        ([X, None], "operand 1 .* absent"),
        ([X, np.empty(15, np.float32)], "takes 64 bytes from byte 0 on, but space 1 has 60"),
        ([X, np.empty(16)], "operand 1 'f32.*expected elements of type f32, got type 'd'"),
        ([X.astype(">f4"), X.copy()], "got type '>f'"),
        ([X, np.empty(32, np.float32)[::2]], "C-contiguous"),
        ([X, read_only(X.copy())], "read-only"),
        ([X[:16], X[4:]], "takes 64 bytes"),
    ],
)
def test_wrong_execute(operands, message):
    with pytest.raises((ValueError, TypeError), match=message):
        _core.execute(np.array([relu()]), operands)


def test_execute_shares_memory_as_programs_do():
    both = np.linspace(-1, 1, 24, dtype=np.float32)
    expected = np.maximum(both[:16], 0)
    with pytest.raises(ValueError, match="overlaps"):
        _core.execute(np.array([relu()]), [both[:16], both[4:20]])
    _core.execute(np.array([relu()]), [both[:16], both[:16]])
    assert (both[:16] == expected).all()
    with pytest.raises(ValueError, match="overlaps operand 0"):
        _core.execute(np.array([instr("copy", [16], [])]), [both[:16], both[:16]])


def test_execute_names_the_fault():
    one_hot = np.array([instr("one_hot", [2, 3], [])])
    out = np.empty((2, 3), np.float32)
    with pytest.raises(ValueError, match="one_hot.*label 3 in row 1 .* expected 0 to 2"):
        _core.execute(one_hot, [np.array([0, 3], np.int32), out])


# ---- both sides of the border


def test_layout_of_the_record():
    layout = _core.instr_layout()
    assert layout["size"] == INSTR.itemsize
    for field in INSTR.names:
        assert layout[field] == INSTR.fields[field][1], field
    assert layout["ref_size"] == REF.itemsize
    assert layout["ref_space"] == REF.fields["space"][1]
    assert layout["ref_offset"] == REF.fields["offset"][1]


def test_opcodes_are_those_of_the_planner():
    names = [name for name, _, _ in _core.opcodes()]
    assert names == list(signatures())
    for name, _, attributes in _core.opcodes():
        assert tuple(attributes.split()) == signatures()[name].attrs


def test_allocate():
    small, large = _core.allocate(100), _core.allocate(4 << 20)
    assert small.shape == (100,) and small.dtype == np.uint8 and not small.any()
    assert small.ctypes.data % 64 == 0 and large.ctypes.data % (2 << 20) == 0 and not large.any()
    assert _core.allocate(0).shape == (0,)
    with pytest.raises(ValueError, match="at least 0 bytes, got -1"):
        _core.allocate(-1)
    with pytest.raises(MemoryError):
        _core.allocate(2**62)


def test_philox_known_answers():
    """The first block of Random123's known-answer test, and one by the definition in full."""
    assert [hex(w) for w in _core.philox(0, 0, 0, 4)] == [
        "0x6627e8d5", "0xe169c58d", "0xbc57ac4c", "0x9b00dbd8"]  # fmt: skip
    seed, stream, step = 0x0123456789ABCDEF, 7, 11
    words = []
    for block in range(2):
        c, k = [block, 0, step, stream], [seed & 0xFFFFFFFF, seed >> 32]
        for _ in range(10):
            p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
            low = 0xFFFFFFFF
            c = [(q >> 32) ^ c[1] ^ k[0], q & low, (p >> 32) ^ c[3] ^ k[1], p & low]
            k = [(k[0] + 0x9E3779B9) & low, (k[1] + 0xBB67AE85) & low]
        words += c
    assert _core.philox(seed, stream, step, 7).tolist() == words[:7]
