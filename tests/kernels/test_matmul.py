"""The matrix product: C = act(op(A) op(B) + bias), in its three forms, on every instruction set.

Every element of C is one chain of multiply-adds in ascending k, whatever path, tile, thread or
batch it is computed in; of one column, where A's rows lie along k, it is a dot: sixteen chains. So
most tests ask for equal bits; the one tolerance is the chain's own.
"""

from __future__ import annotations

import ctypes
import mmap

import numpy as np
import pytest

from fastnn import _core
from fastnn.ops._activations import ACTIVATIONS
from fastnn.planner.signature import signatures
from fastnn.precision import PRECISIONS
from fastnn.runtime.instr import INSTR

from .helpers import assert_close, normal

FORMS = ("nn", "nt", "tn")
# Shapes (m, n, k) that together take every path on every instruction set (a test below says so),
# with remainders in every direction: tiles have up to 8 rows, or 128 columns, and blocks of k up to
# 400.
SHAPES = [
    (1, 1, 1),
    (5, 3, 7),
    (29, 33, 65),
    (128, 10, 128),
    (131, 1, 70),
    (301, 5, 130),
    (1, 300, 784),
    (1030, 1, 27),
    (257, 2, 90),
    (2, 300, 90),
    (3, 517, 300),
    (4, 250, 33),
    (7, 130, 1031),
    (61, 200, 1024),
    (150, 70, 300),
    (31, 1050, 290),
    (299, 301, 523),
    (520, 260, 70),
    (30, 2100, 70),
    (210, 530, 260),
    (20, 2100, 1030),
    (3, 90, 3000),  # short rows, which a row alone reads from end to end though L2 has not all of B
]


def matmul(
    kernel, form, a, b, bias=None, activation="linear", alpha=0.0, before=False,
    precision="highest", saved=None,
):  # fmt: skip
    """The kernel on a [m, k] and b [k, n], laid out as the form wants them."""
    a = a.T if form == "tn" else a
    b = b.T if form == "nt" else b
    c, kept = kernel(
        f"matmul_{form}", a, b, bias, saved,
        absent=() if before else (5,), activation=ACTIVATIONS[activation], alpha=alpha,
        precision=PRECISIONS.index(precision),
    )  # fmt: skip
    return (c, kept) if before else c


def operands(m, n, k, seed=0):
    return normal((m, k), seed), normal((k, n), seed + 1), normal(n, seed + 2)


# ---- every small size


LIMIT = 70
GAP = 16  # elements after each C that must keep their NaN


def blocks(array, transposed):
    """All array[:i, :j] (transposed or not), i, j in 1..LIMIT, in one array; where they start."""
    parts, offsets, at = [], np.empty((LIMIT + 1, LIMIT + 1), np.int64), 0
    for i in range(1, LIMIT + 1):
        for j in range(1, LIMIT + 1):
            part = array[:i, :j]
            parts.append((part.T if transposed else part).ravel())
            offsets[i, j] = at
            at += 4 * i * j
    return np.concatenate(parts), offsets


@pytest.mark.parametrize("form", FORMS)
def test_all_sizes_to_70_exactly(kernel, form):
    """Small integers have exact sums: each of the 343,000 products is a wrong index or it is equal.

    The products of one m are one program: C(n, k) lies in row k of outputs[n].
    """
    random = np.random.default_rng(0)
    a = random.integers(-8, 9, (LIMIT, LIMIT)).astype(np.float32)
    b = random.integers(-8, 9, (LIMIT, LIMIT)).astype(np.float32)
    a_blocks, a_at = blocks(a, form == "tn")
    b_blocks, b_at = blocks(b, form == "nt")
    sums = np.cumsum(a.T[:, :, None] * b[:, None, :], axis=0)  # sums[k - 1] = a[:, :k] @ b[:k]
    sizes = np.arange(1, LIMIT + 1)
    n, k = (x.ravel() for x in np.meshgrid(sizes, sizes, indexing="ij"))
    names = signatures()[f"matmul_{form}"].dims

    records = np.zeros(n.size, INSTR)
    records["opcode"] = signatures()[f"matmul_{form}"].code
    refs = records["operands"]
    refs["space"] = [0, 1, -1, -1, 2, -1, -1, -1]
    refs["offset"][:, 1] = b_at[k, n]
    for m in range(1, LIMIT + 1):
        size = m * n + GAP
        refs["offset"][:, 0] = a_at[m, k]
        refs["offset"][:, 4] = 4 * (np.cumsum(size) - size)
        for column, name in enumerate(names):
            records["dims"][:, column] = {"m": m, "n": n, "k": k}[name]
        c = np.full(size.sum(), np.nan, np.float32)
        spaces = [a_blocks, b_blocks, c]
        program = _core.Program(records, [s.nbytes for s in spaces], isa=kernel.isa)
        program.bind(spaces).run(threads=1)

        at = 0
        for columns in sizes:
            length = m * columns + GAP
            have = c[at : at + LIMIT * length].reshape(LIMIT, length)
            want = sums[:, :m, :columns].reshape(LIMIT, m * columns)
            wrong = (have[:, :-GAP] != want).any(axis=1)
            assert not wrong.any(), f"{form} m={m} n={columns} k={1 + wrong.argmax()} {kernel.isa}"
            assert np.isnan(have[:, -GAP:]).all(), f"{form} m={m} n={columns}: wrote behind C"
            at += LIMIT * length


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "m, n, k", [(0, 5, 3), (4, 0, 3), (0, 0, 0), (3, 20, 0), (40, 1, 0), (520, 260, 0)]
)
def test_empty(kernel, form, m, n, k):
    """Without k the sums are 0, and bias and activation still apply."""
    a, b, bias = operands(m, n, k)
    c, before = matmul(kernel, form, a, b, bias, "relu", before=True)
    assert c.shape == (m, n)
    np.testing.assert_array_equal(before, np.broadcast_to(bias, (m, n)))
    np.testing.assert_array_equal(c, np.maximum(before, 0))
    assert not matmul(kernel, form, a, b).any()
    c = matmul(kernel, form, a, b, bias, "exp", saved=np.full((m, n), 0.5, np.float32))
    np.testing.assert_array_equal(c, np.broadcast_to(bias / 2, (m, n)))


# ---- larger sizes: every path


PATHS = """
a vector: the matrix lies along k, turned in registers
a vector: the matrix streams through once
direct: B fits in L2
direct: too few rows to repay packing B
half packed: B is transposed for its lanes
half packed: B is reused
one column: dots of the rows
packed: A and B are reused
packed: B is transposed for its lanes, and A is reused
turned: n is narrow, the lanes run along m; A packed for that
turned: n is narrow, the lanes run along m; A read in place
""".strip().splitlines()


def test_the_shapes_take_every_path(kernel):
    taken = {_core.matmul_reason(*s, form, isa=kernel.isa) for form in FORMS for s in SHAPES}
    never = {p for p in PATHS if p.endswith("A packed for that") and kernel.isa == "generic"}
    assert taken == set(PATHS) - never  # four lanes are too few to repay that


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("m, n, k", SHAPES)
def test_error_bound(kernel, form, m, n, k):
    """|C - AB - bias| <= gamma |A||B|: a rounding for each product, each addition and the bias."""
    a, b, bias = (x.astype(np.float64) for x in operands(m, n, k))
    c = matmul(kernel, form, *operands(m, n, k))
    scale = abs(a) @ abs(b) + abs(bias)
    assert_close(c, a @ b + bias, scale, k + 2, f"matmul_{form}")


@pytest.mark.parametrize("m, n, k", SHAPES)
def test_the_chain(kernel, m, n, k):
    """C is the chain itself, for the instruction set without fused multiply-adds, in all forms."""
    a, b, _ = operands(m, n, k)
    forms = [f for f in FORMS if not is_dots(kernel, f, n) and not is_halves(kernel, f, n, k)]
    c = [matmul(kernel, form, a, b) for form in forms]
    assert len({x.tobytes() for x in c}) == 1
    check_bits(kernel, c[0], chain(kernel, a, b))


@pytest.mark.parametrize("m", [1, 3, 128])
@pytest.mark.parametrize("n, k", [(64, 512), (70, 1023), (128, 784), (256, 1024)])
def test_two_chains(kernel, m, n, k):
    """Of a long k: each half has a chain of its own."""
    a, b, _ = operands(m, n, k)
    assert is_halves(kernel, "nn", n, k)
    halves = [chain(kernel, a[:, p], b[p]) for p in (slice(k // 2), slice(k // 2, k))]
    check_bits(kernel, matmul(kernel, "nn", a, b), halves[0] + halves[1])


@pytest.mark.parametrize("m, k", [(1, 1), (1, 100), (9, 15), (131, 70), (1030, 27), (33, 1024)])
def test_dots(kernel, m, k):
    """Lane l of 16 is the chain of k = l, l + 16, ...; lanes 8, 4, 2 and 1 apart are added."""
    a, b, _ = operands(m, 1, k)
    c = matmul(kernel, "nn", a, b)
    assert matmul(kernel, "nt", a, b).tobytes() == c.tobytes()
    lanes = np.zeros((m, 16), np.float32)
    for p in range(k):
        lane = lanes[:, p % 16, None]
        lane[...] = add_product(kernel, lane, a[:, p, None], b[p])
    for apart in (8, 4, 2, 1):
        lanes = lanes[:, :apart] + lanes[:, apart : 2 * apart]
    check_bits(kernel, c, lanes)


def is_dots(kernel, form, n):
    """Those of the CPU: on a GPU one column is made of chains too."""
    return kernel.isa != "cuda" and n == 1 and form != "tn"


def is_halves(kernel, form, n, k):
    """Those of the CPU: csrc/cpu/gemm/matmul.h."""
    return kernel.isa != "cuda" and form == "nn" and k >= 512 and n >= 64 and n * k <= 2**18


def chain(kernel, a, b):
    c = np.zeros((len(a), b.shape[1]), np.float32)
    for p in range(len(b)):
        c = add_product(kernel, c, a[:, p, None], b[p])
    return c


def add_product(kernel, c, x, y):
    if kernel.isa == "generic":
        return c + x * y
    # one rounding: float64 holds the product exactly, and mostly the sum
    return (x.astype(np.float64) * y + c).astype(np.float32)


def check_bits(kernel, c, expected):
    if kernel.isa == "generic":
        assert c.tobytes() == expected.tobytes()
    else:  # a sum rounded twice differs from a fused one about once in 2^29 steps
        different = (c != expected).mean()
        assert different <= 1e-4, f"{different:.1%} of the elements have other bits"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("m, n, k", [s for s in SHAPES if s[0] > 1])
def test_a_row_alone_has_the_same_bits(kernel, form, m, n, k):
    """predict(x)[i] is predict(x[i:i+1]): and so is any corner, of several columns if there are."""
    a, b, bias = operands(m, n, k)
    c = matmul(kernel, form, a, b, bias, "sigmoid")
    for i in (0, m // 2, m - 1):
        row = matmul(kernel, form, a[i : i + 1], b, bias, "sigmoid")
        assert row.tobytes() == c[i : i + 1].tobytes()
    rows, columns = m - m // 3, max(n - n // 3, min(n, 2))
    corner = matmul(kernel, form, a[-rows:], b[:, -columns:], bias[-columns:], "sigmoid")
    assert corner.tobytes() == c[-rows:, -columns:].tobytes()


# ---- epilogue


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("m, n, k", [(5, 3, 7), (29, 33, 65), (131, 1, 70), (61, 200, 1024)])
def test_epilogue_is_the_separate_operations(kernel, form, activation, m, n, k):
    a, b, bias = operands(m, n, k, seed=3)
    a *= np.float32(3 / np.sqrt(k))  # spreads the sums over the interesting part of the functions
    alpha = 0.3
    plain = matmul(kernel, form, a, b)
    y, before = matmul(kernel, form, a, b, bias, activation, alpha, before=True)
    assert before.tobytes() == (plain + bias).tobytes()
    if activation != "linear":
        attrs = {"alpha": alpha} if "alpha" in signatures()[activation].attrs else {}
        before = kernel(activation, before.ravel(), **attrs).reshape(m, n)
    assert y.tobytes() == before.tobytes()
    assert matmul(kernel, form, a, b, bias, activation, alpha).tobytes() == y.tobytes()
    y, before = matmul(kernel, form, a, b, None, activation, alpha, before=True)
    assert before.tobytes() == plain.tobytes()


def gradient(kernel, activation, dy, saved, alpha):
    """By the instruction that does it alone."""
    if activation == "linear":
        return dy
    if activation == "exp":  # whose gradient is a product of two
        return dy * saved
    name = f"{activation}_grad"
    attrs = {"alpha": alpha} if "alpha" in signatures()[name].attrs else {}
    return kernel(name, dy.ravel(), saved.ravel(), **attrs).reshape(dy.shape)


def saved_values(m, n, seed=5):
    """What an activation may have saved: both sides of zero, zeros of both signs, NaN, infinity."""
    saved = normal((m, n), seed)
    flat = saved.reshape(-1)
    for i, value in enumerate((0.0, -0.0, np.nan, np.inf, -np.inf)):
        flat[i + 1 :: 17] = value
    return saved


def one_nan(array):
    return np.where(np.isnan(array), np.float32(np.nan), array).tobytes()


def check_way_back(kernel, form, activation, m, n, k, precision="highest", alone=None):
    """A product that multiplies with an activation's derivative has the bits of both, one after the
    other; so it has with a bias, and what it keeps is the value before. `alone`: the kernels for
    the second of them, if not the same."""
    alone, alpha = alone or kernel, 0.3
    a, b, bias = operands(m, n, k, seed=3)
    saved = saved_values(m, n)
    plain = matmul(kernel, form, a, b, precision=precision)
    options = {"precision": precision, "saved": saved}
    c = matmul(kernel, form, a, b, None, activation, alpha, **options)
    assert one_nan(c) == one_nan(gradient(alone, activation, plain, saved, alpha))
    c, before = matmul(kernel, form, a, b, bias, activation, alpha, before=True, **options)
    assert before.tobytes() == (plain + bias).tobytes()
    assert one_nan(c) == one_nan(gradient(alone, activation, plain + bias, saved, alpha))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("m, n, k", [(5, 3, 7), (29, 33, 65), (131, 1, 70), (61, 200, 1024)])
def test_the_way_back_is_the_separate_operations(kernel, form, activation, m, n, k):
    check_way_back(kernel, form, activation, m, n, k)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("m, n, k", SHAPES)
def test_the_way_back_on_every_path(kernel, form, m, n, k):
    check_way_back(kernel, form, "tanh", m, n, k)


# ---- memory


def between_closed_pages(array, at_end):
    """A copy of `array` that touches a page which may be neither read nor written."""
    page = mmap.PAGESIZE
    inner = -(-array.nbytes // page) * page
    memory = np.frombuffer(mmap.mmap(-1, inner + 2 * page), np.uint8)
    mprotect = ctypes.CDLL(None, use_errno=True).mprotect
    for start in (0, page + inner):
        if mprotect(ctypes.c_void_p(memory.ctypes.data + start), ctypes.c_size_t(page), 0):
            raise OSError(ctypes.get_errno(), "mprotect")
    start = page + inner - array.nbytes if at_end else page
    copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("m, n, k", [*SHAPES, (2, 9, 3), (16, 17, 18), (13, 31, 15), (40, 2, 33)])
def test_nothing_outside_is_read(kernel, form, m, n, k, at_end):
    """Guard bytes show a stray write; a stray read shows only as a fault: this test would crash."""
    a, b, bias = operands(m, n, k)
    saved = normal((m, n), 5)
    expected, kept = matmul(kernel, form, a, b, bias, "relu", before=True, saved=saved)
    a, b = a.T if form == "tn" else a, b.T if form == "nt" else b
    full = [a, b, bias, saved, np.full_like(expected, np.nan), np.full_like(kept, np.nan)]
    guarded = [between_closed_pages(np.ascontiguousarray(x), at_end) for x in full]
    record = np.zeros(1, INSTR)
    signature = signatures()[f"matmul_{form}"]
    record["opcode"] = signature.code
    record["dims"][0, :3] = [{"m": m, "n": n, "k": k}[name] for name in signature.dims]
    record["attrs"][0, 0] = ACTIVATIONS["relu"]
    _core.execute(record, guarded, isa=kernel.isa, threads=2)
    assert guarded[4].tobytes() == expected.tobytes()
    assert guarded[5].tobytes() == kept.tobytes()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("m, n, k", SHAPES)
def test_nan_stays_in_its_row_and_column(kernel, form, m, n, k):
    a, b, _ = operands(m, n, k)
    a[m // 2, k // 2] = np.nan
    b[k - 1, n // 3] = np.inf
    c = matmul(kernel, form, a, b)
    row, column = np.arange(m)[:, None] == m // 2, np.arange(n) == n // 3
    np.testing.assert_array_equal(np.isnan(c), np.broadcast_to(row, (m, n)))
    np.testing.assert_array_equal(np.isinf(c), ~row & column)
