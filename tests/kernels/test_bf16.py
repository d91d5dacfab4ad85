"""bf16 products: by the instructions that this CPU has, and by both units in software.

A product of two bf16 is exact in float32, so beside the rounding of the factors the one error is
that of the sums: its bound is derived. Their order is known too: dots make one chain of
multiply-adds, tiles one chain for each step and parity of k. So the bits are known as well.
"""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import _core
from fastnn.ops._activations import ACTIVATIONS
from fastnn.ops._bf16 import round_to_bf16
from fastnn.planner.signature import signatures
from fastnn.precision import PRECISIONS
from fastnn.runtime.instr import INSTR

from .helpers import UNIT, Kernel, assert_close, normal
from .software import UNITS, Software
from .test_dispatch import is_intel
from .test_matmul import FORMS, between_closed_pages, check_way_back, is_halves, matmul, operands

HIGH, MEDIUM = PRECISIONS.index("high"), PRECISIONS.index("medium")
# What a product may lose, relative to it: by rounding both factors to 8 bits; by what two roundings
# leave of both, 2^-17 each (1 + 2^-8 leaves 2^-8, which has 8 bits; a rest of less is rounded to
# half a unit of its own), and the product of the rests.
ROUNDED = 2 * 2.0**-8 + 2.0**-16
SPLIT = 2 * 2.0**-17 + 2.0**-16

# Shapes (m, n, k) at the edges of tiles (8 x 48 and 32 x 32), of steps (2 and 32 of k), and of what
# is large enough; then of blocks (256 and 1024 of k, 128 rows, 768 columns), and of what is read in
# longer pieces (1024 columns).
SMALL = [
    (1, 8, 16),
    (1, 70, 300),
    (7, 33, 31),
    (8, 48, 33),
    (9, 49, 64),
    (16, 16, 32),
    (17, 15, 65),
    (33, 31, 63),
    (64, 96, 40),
    (75, 130, 97),
]
LARGE = [
    (3, 517, 1500),
    (129, 300, 290),
    (140, 40, 1100),
    (37, 100, 1031),  # made in two halves
    (131, 1100, 70),
    (20, 1050, 151),
    (299, 801, 1031),
]


def reason(kernel, m, n, k, form="nn", precision=MEDIUM) -> str:
    if isinstance(kernel, Software):
        return kernel.reason(m, n, k, form, precision)
    return _core.matmul_reason(m, n, k, form, precision=precision, isa=kernel.isa)


def has(isa: str, what: str, precision: int) -> bool:
    return reason(Kernel(isa), 128, 128, 128, "nn", precision).startswith(what)


def is_usable(isa: str) -> bool:
    try:
        return has(isa, "bf16:", MEDIUM)
    except ValueError:
        return False


REAL = [isa for isa in ("avx512_bf16", "amx") if is_usable(isa)]
SPLITTING = [isa for isa in REAL if has(isa, "bf16x3:", HIGH)]


@pytest.fixture(params=[*REAL, *UNITS])
def unit(request) -> Kernel:
    return Software(request.param) if request.param in UNITS else Kernel(request.param)


@pytest.fixture(params=[*SPLITTING, "software tiles"])
def splitting(request) -> Kernel:
    return Software(request.param) if request.param in UNITS else Kernel(request.param)


def medium(kernel, form, a, b, *rest, **options):
    return matmul(kernel, form, a, b, *rest, precision="medium", **options)


def each_shape(kernel, fewest_rows=1):
    shapes = SMALL + (LARGE[:-1] if isinstance(kernel, Software) else LARGE)
    return [shape for shape in shapes if shape[0] >= fewest_rows]


def small_integers(m, n, k):
    random = np.random.default_rng(m + n + k)
    return (random.integers(-8, 9, s).astype(np.float32) for s in ((m, k), (k, n)))


# ---- values


@pytest.mark.parametrize("form", FORMS)
def test_sizes_around_every_edge_exactly(unit, form):
    """Small integers are bf16s, and have exact sums: a wrong index shows, whatever the order."""
    for m in (1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 65):
        for n in (8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 65):
            for k in (16, 17, 31, 32, 33, 63, 64, 66):
                a, b = small_integers(m, n, k)
                c = np.full((m, n), np.nan, np.float32)
                run(unit, form, a, b, c)
                np.testing.assert_array_equal(c, a @ b, f"{unit.isa} {form} {m, n, k}")


def run(kernel, form, a, b, c, precision=MEDIUM, parts=1, guarded=False):
    """c = a b, without the guards and repetitions of `kernel(...)`."""
    a, b = a.T if form == "tn" else a, b.T if form == "nt" else b
    arrays = [np.ascontiguousarray(a), np.ascontiguousarray(b), None, None, c, None]
    if guarded:
        arrays = [None if x is None else between_closed_pages(x, guarded == "end") for x in arrays]
    record = np.zeros(1, INSTR)
    signature = signatures()[f"matmul_{form}"]
    record["opcode"] = signature.code
    sizes = {"m": c.shape[0], "n": c.shape[1], "k": a.shape[0 if form == "tn" else 1]}
    record["dims"][0, :3] = [sizes[name] for name in signature.dims]
    record["attrs"][0, 2] = precision
    kernel._execute(record, arrays, parts, None, {})
    return arrays[4]


@pytest.mark.parametrize("form", FORMS)
def test_error_bounds(unit, form):
    """A rounding for each product and each addition; and what rounding the factors costs."""
    for m, n, k in each_shape(unit):
        a, b, bias = operands(m, n, k)
        c = medium(unit, form, a, b, bias)
        wide, rounded = (
            [f(x).astype(np.float64) for x in (a, b)] for f in (np.asarray, round_to_bf16)
        )
        scale = abs(rounded[0]) @ abs(rounded[1]) + abs(bias)
        assert_close(c, rounded[0] @ rounded[1] + bias, scale, k + 2, f"{form} {m, n, k}")
        scale = abs(wide[0]) @ abs(wide[1])
        off = abs(c - (wide[0] @ wide[1] + bias))
        assert (off <= ROUNDED * scale + (k + 2) * UNIT * (scale * 1.01 + 10)).all()
        assert off.max() > 2.0**-12 * scale.max() / k, "nothing was rounded"


def fused(a, b, c):
    """c + a b, rounded once: float64 holds the product exactly, and nearly always the sum."""
    exact = a.astype(np.float64)[:, None] * b.astype(np.float64) + c
    return exact.astype(np.float32)


def chain_of_dots(a, b):
    c = np.zeros((a.shape[0], b.shape[1]), np.float32)
    for p in range(0, a.shape[1], 2):
        for q in (p + 1, p):  # the upper half of a pair comes first
            if q < a.shape[1]:
                c = fused(a[:, q], b[q], c)
    return c


def chain_of_steps(a, b):
    c = np.zeros((a.shape[0], b.shape[1]), np.float32)
    for p in range(0, a.shape[1], 32):
        sums = np.zeros((2, *c.shape), np.float32)
        for q in range(p, min(p + 32, a.shape[1])):
            sums[q % 2] = fused(a[:, q], b[q], sums[q % 2])
        c = c + (sums[0] + sums[1])
    return c


@pytest.mark.parametrize("form", FORMS)
def test_the_chains(unit, form):
    """The sums are made in the order documented: rounded twice, an element is off once in 2^29."""
    tiles = unit.isa in ("amx", "software tiles")
    for m, n, k in each_shape(unit)[:-1]:
        a, b, _ = operands(m, n, k)
        chain = chain_of_steps if tiles else chain_of_dots
        parts = [slice(k)]
        if tiles and is_halves(unit, form, n, k):
            parts = [slice(k // 2), slice(k // 2, k)]
        a, b = round_to_bf16(a), round_to_bf16(b)
        chain = sum(chain(a[:, p], b[p]) for p in parts)
        different = (medium(unit, form, a, b) != chain).mean()
        assert different <= 1e-4, f"{different:.1%} of the elements are not the chain"


# What real data has seldom: ties, numbers near the ends of the range, zeros of both signs.
def rare(shape, seed, low, high):
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2**32, shape, dtype=np.uint32) & np.uint32(0x807FFFFF)
    bits |= random.integers(low, high, shape, dtype=np.uint32) << 23
    bits[random.random(shape) < 0.2] &= np.uint32(0xFFFF8000)
    bits[random.random(shape) < 0.1] &= np.uint32(0x80000000)
    return bits.view(np.float32)


@pytest.mark.parametrize("precision", ["medium", "high"])
@pytest.mark.parametrize("isa", ["avx512_bf16", "amx"])
def test_instructions_do_what_the_software_does(isa, precision):
    """Bit for bit, so that what the software shows elsewhere holds for the instructions."""
    if isa not in (REAL if precision == "medium" else SPLITTING):
        pytest.skip(f"this CPU has no instructions for it in {isa}")
    real = Kernel(isa)
    software = Software("software tiles" if isa == "amx" else "software dots")
    number = PRECISIONS.index(precision)
    for m, n, k in [*SMALL, (40, 50, 1100), (40, 70, 1100)]:
        if reason(real, m, n, k, "nn", number).startswith("float32"):
            continue  # made by the base, which differs
        for form in FORMS:
            pairs = [operands(m, n, k)[:2]]
            # Products near 1, then near the least normal number, then at infinity.
            for low, high in ((110, 140), (40, 90), (180, 255)):
                pairs.append([rare((m, k), 1, low, high), rare((k, n), 2, low, high)])
            for a, b in pairs:
                c = np.full((2, m, n), np.nan, np.float32)
                run(real, form, a, b, c[0], number)
                run(software, form, a, b, c[1], number)
                c[np.isnan(c)] = np.nan  # which NaN it is, the manual leaves open
                assert c[0].tobytes() == c[1].tobytes(), (form, m, n, k)


@pytest.mark.parametrize("form", FORMS)
def test_a_row_alone_has_the_same_bits(unit, form):
    """A prediction does not depend on the batch: so whether bf16 is used must not either."""
    for m, n, k in each_shape(unit, fewest_rows=2):
        a, b, bias = operands(m, n, k)
        c = medium(unit, form, a, b, bias, "sigmoid")
        for i in (0, m // 2, m - 1):
            row = medium(unit, form, a[i : i + 1], b, bias, "sigmoid")
            assert row.tobytes() == c[i : i + 1].tobytes()
        rows, columns = m - m // 3, n - n // 3
        if columns >= 8:
            corner = medium(unit, form, a[-rows:], b[:, -columns:], bias[-columns:], "sigmoid")
            assert corner.tobytes() == c[-rows:, -columns:].tobytes()


@pytest.mark.parametrize("form", FORMS)
def test_nan_and_infinity(unit, form):
    m, n, k = 40, 50, 33
    a, b, _ = operands(m, n, k)
    a[m // 2, k // 2] = np.nan
    b[k - 1, n // 3] = np.inf
    a[3, :] = 0
    a[3, 0] = 3.4e38  # beyond what a bf16 can hold, and no float32 infinity
    c = medium(unit, form, a, b)
    row, column = np.arange(m)[:, None], np.arange(n)
    nan = (row == m // 2) | ((row == 3) & (column == n // 3))
    np.testing.assert_array_equal(np.isnan(c), np.broadcast_to(nan, (m, n)))
    inf = ((row == 3) | (column == n // 3)) & ~nan
    np.testing.assert_array_equal(np.isinf(c), np.broadcast_to(inf, (m, n)))
    np.testing.assert_array_equal(np.sign(c[3, inf[3]]), np.sign(b[0, inf[3]]))


def test_denormals_are_zeros(unit):
    a, b = np.full((16, 32), 2.0**-127, np.float32), np.full((32, 16), 2.0**100, np.float32)
    assert not medium(unit, "nn", a, b).any()
    a, b = np.full((16, 32), 2.0**-70, np.float32), np.full((32, 16), 2.0**-70, np.float32)
    assert not medium(unit, "nn", a, b).any()


# ---- zeros (csrc/cpu/gemm/pair_zeros.h)


def sparse(m, k, share=0.05):
    kept = np.random.default_rng(m + k).random((m, k)) < share
    kept[m // 2] = False
    return np.where(kept, normal((m, k), 5), np.float32(0))


@pytest.mark.parametrize("form", FORMS)
def test_zeros_change_no_bit(unit, form):
    """A row alone is one of few, of which nothing is skipped; so are columns of a transposed B."""
    for m, n, k in [(5, 33, 64), (40, 50, 80), (70, 130, 197), (200, 300, 333)]:
        a, b = sparse(m, k), normal((k, n), 1)
        a[:, 7] = -0.0
        bias = normal(n, 2)
        c, before = medium(unit, form, a, b, bias, "relu", before=True)
        for i in range(0, m, 13):
            row = medium(unit, form, a[i : i + 1], b, bias, "relu", before=True)
            assert row[0].tobytes() == c[i : i + 1].tobytes()
            assert row[1].tobytes() == before[i : i + 1].tobytes()


@pytest.mark.parametrize("form", FORMS)
def test_zeros_are_skipped_where_there_are_many(unit, form):
    """Told by the sign of a zero: a sum that underflows to -0 stays, unless +0 is added."""
    m, n, k = 64, 64, 96
    b = np.ones((k, n), np.float32)
    b[0] = -(2.0**-100)
    a = np.zeros((m, k), np.float32)
    a[:, 0] = 2.0**-100  # the one product underflows; a dense chain goes on to add 0 * 1
    skipped = unit.isa in ("avx512_bf16", "software dots") and form != "nt"
    assert (np.signbit(medium(unit, form, a, b)) == skipped).all()
    a[:, 1:] = 1
    b[1:] = 0  # no zeros in A: the same sums, now all of them done
    assert not np.signbit(medium(unit, form, a, b)).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3.4e38])
@pytest.mark.parametrize("form", FORMS)
def test_zero_times_infinity_is_not_zero(unit, form, bad):
    """Where B is not finite, rounded, nothing is skipped: 0 * inf is NaN."""
    m, n, k = 40, 50, 80
    for position in ((0, 0), (k - 1, n - 1), (k // 2, n // 2)):
        b = normal((k, n), 1)
        b[position] = bad
        c = medium(unit, form, sparse(m, k), b)
        assert np.isnan(c[m // 2, position[1]])  # that row of A is all zeros
        assert np.isfinite(np.delete(c, position[1], axis=1)).all()


@pytest.mark.parametrize("form", FORMS)
def test_nan_in_a_is_not_a_zero(unit, form):
    a = sparse(40, 80)
    a[7, 11] = np.nan
    c = medium(unit, form, a, normal((80, 50), 1))
    assert np.isnan(c[7]).all() and np.isfinite(np.delete(c, 7, axis=0)).all()


# ---- high


@pytest.mark.parametrize("form", FORMS)
def test_split_products(splitting, form):
    """Within the bound; and of sums, whose errors cancel, within 2e-5 of |A||B|."""
    for m, n, k in each_shape(splitting):
        a, b, _ = operands(m, n, k)
        c = matmul(splitting, form, a, b, precision="high")
        exact, scale = a.astype(np.float64) @ b, abs(a.astype(np.float64)) @ abs(b)
        roundings = 3 * (k + 2)
        assert (abs(c - exact) <= (SPLIT + roundings * UNIT) * scale * 1.01).all()
        assert (abs(c - exact) <= 2e-5 * scale).all()
        split = reason(splitting, m, n, k, form, HIGH).startswith("bf16x3")
        assert split == (n >= 32), "of a narrow product, the packing costs more than is won"


def test_split_products_of_the_largest_numbers(splitting):
    """Rounded to a bf16 they would be infinite."""
    a = np.full((9, 32), np.finfo(np.float32).max, np.float32)
    b = np.full((32, 40), 2.0**-6, np.float32)
    c = matmul(splitting, "nn", a, b, precision="high")
    exact = a[:1].astype(np.float64) @ b[:, :1]
    assert (abs(c / exact - 1) <= SPLIT + 100 * UNIT).all()


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("operand", [0, 1])
def test_split_products_of_what_is_not_finite(splitting, operand, value):
    """Infinity is no sum of two numbers, and yet results are those of the float32 product: the same
    infinities, NaN only where that has it, and all others within the bound."""
    a, b, _ = operands(20, 50, 333)
    (a, b)[operand][4, 6] = value
    a[19, 300] = b[300, 49] = np.inf  # they meet each other
    b[300, 48] = 0  # which makes NaN of an infinity
    got, expected = (matmul(splitting, "nn", a, b, precision=p) for p in ("high", "highest"))
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(got[~finite], expected[~finite])
    a[~np.isfinite(a)] = b[~np.isfinite(b)] = 0
    assert (abs(got - expected)[finite] <= 2e-5 * (abs(a) @ abs(b))[finite]).all()
    assert got[19, 49] == np.inf and np.isnan(got[19, 48])


# ---- which precision is taken


def test_small_products_stay_float32(unit):
    """By n and k alone: what m is, the batch, must not change a row's result."""
    for form in FORMS:
        for n, k, taken in [(7, 500, "float32"), (500, 15, "float32"), (8, 16, "bf16")]:
            for m in (1, 5, 64, 300):
                assert reason(unit, m, n, k, form).split(":")[0] == taken
        for m, n, k in [(30, 7, 64), (30, 64, 15), (3, 20, 0), (0, 20, 30)]:
            a, b, bias = operands(m, n, k)
            assert (
                medium(unit, form, a, b, bias).tobytes() == matmul(unit, form, a, b, bias).tobytes()
            )


@pytest.mark.parametrize("isa", _core.isas())
def test_what_has_no_instructions_stays_float32(isa):
    """So "high" and "medium" cost nothing where they bring nothing. Dots are avx512's too, but on
    Intel's CPUs, where they are slower than float32."""
    kernel, (a, b, bias) = Kernel(isa), operands(64, 96, 200)
    exact = matmul(kernel, "nn", a, b, bias)
    rounding = REAL if "avx512_bf16" not in REAL or is_intel() else [*REAL, "avx512"]
    for precision, those in (("high", SPLITTING), ("medium", rounding)):
        number = PRECISIONS.index(precision)
        same = matmul(kernel, "nn", a, b, bias, precision=precision).tobytes() == exact.tobytes()
        path = reason(kernel, 64, 96, 200, "nn", number)
        assert same == (isa not in those)
        assert (path == reason(kernel, 64, 96, 200, "nn", 0)) == (isa not in those)


# ---- epilogue


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_epilogue_is_the_separate_operations(unit, form, activation):
    ops = Kernel("generic") if isinstance(unit, Software) else unit
    m, n, k = 41, 51, 40
    a, b, bias = operands(m, n, k, seed=3)
    a *= np.float32(3 / np.sqrt(k))  # spreads the sums over the interesting part of the functions
    alpha = 0.3
    plain = medium(unit, form, a, b)
    y, before = medium(unit, form, a, b, bias, activation, alpha, before=True)
    assert before.tobytes() == (plain + bias).tobytes()
    if activation != "linear":
        attrs = {"alpha": alpha} if "alpha" in signatures()[activation].attrs else {}
        before = ops(activation, before.ravel(), **attrs).reshape(m, n)
    assert y.tobytes() == before.tobytes()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", ["relu", "elu", "silu", "tanh"])
def test_the_way_back_is_the_separate_operations(unit, form, activation):
    alone = Kernel("generic") if isinstance(unit, Software) else unit
    for m, n, k in [(41, 51, 40), (1, 70, 300), (3, 517, 1500)]:
        check_way_back(unit, form, activation, m, n, k, "medium", alone)


@pytest.mark.parametrize("precision", [MEDIUM, HIGH])
@pytest.mark.parametrize(
    "m, n, k", [(8, 48, 33), (33, 31, 63), (75, 130, 97), (20, 30, 1100), (140, 800, 40)]
)
def test_the_gradient_goes_to_the_optimizer(unit, m, n, k, precision):
    """A chained step of the optimizer gets the bits that would have been C's, once each."""
    a, b, _ = operands(m, n, k)
    gradient = run(unit, "tn", a, b, np.full((m, n), np.nan, np.float32), precision)
    p, rate = normal((m, n), 7), np.float32([[0.1, 0.0]])
    signature = signatures()
    records = np.zeros(2, INSTR)
    records["opcode"] = [signature["matmul_tn"].code, signature["sgd"].code]
    records["dims"][0, :3] = [k, m, n]
    records["dims"][1, 0] = m * n
    records["attrs"][0, 2] = precision
    records["flags"][0] = 4  # chained
    records["operands"]["space"] = -1
    records["operands"]["space"][0, [0, 1, 4]] = 0, 1, 2
    records["operands"]["space"][1, [0, 1]] = 3, 2
    for parts in (1, 2, 3, 7):
        spaces = [np.ascontiguousarray(a.T), b, np.full((m, n), np.nan, np.float32), p.copy()]
        if isinstance(unit, Software):
            product = [*spaces[:2], None, None, spaces[2], None]
            unit.run(records[:1], product, parts, records[1:], [spaces[3], spaces[2]], rate)
        else:
            program = _core.Program(records, [x.nbytes for x in spaces], isa=unit.isa)
            program.bind(spaces).run(threads=parts, scalars=rate)
        assert spaces[3].tobytes() == (p - gradient * rate[0, 0]).tobytes()


# ---- memory


@pytest.mark.parametrize("side", ["begin", "end"])
@pytest.mark.parametrize("form", FORMS)
def test_nothing_outside_is_read(unit, form, side):
    """Guard bytes show a stray write; a stray read shows only as a fault: this test would crash."""
    shapes = [*each_shape(unit), (2, 9, 19), (3, 40, 35), (16, 17, 18), (13, 31, 17), (40, 8, 33)]
    factors = [operands(*shape)[:2] for shape in shapes]
    for a, b in [*factors, (sparse(40, 75), normal((75, 50)))]:
        (m, _), (_, n) = a.shape, b.shape
        expected = run(unit, form, a, b, np.full((m, n), np.nan, np.float32))
        c = np.full((m, n), np.nan, np.float32)
        got = run(unit, form, a, b, c, parts=2, guarded=side)
        assert got.tobytes() == expected.tobytes()
