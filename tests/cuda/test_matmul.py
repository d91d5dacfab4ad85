"""The matrix product on the device, in each of the ways that it can be made.

A rounding of the sums is at most UNIT = 2**-24 of |A||B| for each of k products and sums; factors
rounded to p bits are off by 2**-p. Small integers are exact in every way: whatever their order, all
sums of them are.
"""

from __future__ import annotations

import numpy as np
import pytest

from fastnn.ops._activations import ACTIVATIONS
from fastnn.planner.signature import signatures
from fastnn.precision import PRECISIONS
from fastnn.runtime.device import cuda_module
from fastnn.runtime.instr import INSTR
from tests.kernels.helpers import UNIT, assert_close
from tests.kernels.test_matmul import (
    FORMS,
    check_way_back,
    matmul,
    operands,
    test_empty,
    test_epilogue_is_the_separate_operations,
)
from tests.kernels.test_matmul import test_error_bound as check_error_bound
from tests.kernels.test_matmul import test_nan_stays_in_its_row_and_column as check_nan
from tests.kernels.test_matmul import test_the_chain as check_chain

__all__ = ["test_empty", "test_epilogue_is_the_separate_operations"]

# What is lost of each product, relative to it: by rounding both factors; or by cutting off what
# two parts do not hold of both, and leaving out the product of the lower parts (gemm/tf32.h).
# bf16 has 8 bits, and two of them miss at most 2**-17.
LOST = {
    "simt": 0.0,
    "tf32": 2 * 2.0**-11 + 2.0**-22,
    "3xtf32": 2 * 2.0**-21 + 2.0**-20,
    "bf16": 2 * 2.0**-8 + 2.0**-16,
    "bf16x3": 2 * 2.0**-17 + 2.0**-16,
}
PRODUCTS = {"3xtf32": 3, "bf16x3": 3}  # that are summed for each of k
SLICE = {"tf32": 16, "3xtf32": 16, "bf16": 32, "bf16x3": 32}  # of k, at a time
WAYS = [("simt", 128), ("simt", 64), ("simt", 32)]
WAYS += [(method, tile) for method in ("tf32", "3xtf32", "bf16", "bf16x3") for tile in (128, 64)]

each_form = pytest.mark.parametrize("form", FORMS)
each_way = pytest.mark.parametrize("method, tile", WAYS)


@pytest.fixture
def force(cuda_device):
    """force(method, tile, splits): every product is made so."""
    yield cuda_device.force_matmul
    cuda_device.force_matmul(None)


def integers(m, n, k, seed=0):
    random = np.random.default_rng(seed)
    return [random.integers(-8, 9, shape).astype(np.float32) for shape in ((m, k), (k, n), (n,))]


def rounding(method):
    """What a term's way into a sum costs, in UNITs: tensor cores are said to cut off each product
    where the largest of an instruction ends, and the sum, instead of rounding once."""
    return 1 if method == "simt" or hasattr(cuda_module(), "emulator") else 4


def bounds(a, b, bias, method):
    """float64's A B + bias, and by how much a product may be off."""
    wide = a.astype(np.float64), b.astype(np.float64)
    scale = abs(wide[0]) @ abs(wide[1])
    sums = (PRODUCTS.get(method, 1) * a.shape[1] + 6) * UNIT * rounding(method)
    return wide[0] @ wide[1] + bias, LOST[method] * scale + sums * (scale * 1.02 + abs(bias))


# ---- every way, at every edge


def shapes(method, tile):
    """Around a tile and a slice, over several of each; rows of whole packs where they must be."""
    inner = SLICE.get(method, {128: 8, 64: 16, 32: 32}.get(tile))
    if method.endswith("tf32"):
        t, s = tile, inner
        return [(4, 4, 4), (t, t, s), (t + 4, t - 4, s + 4), (12, 2 * t + 8, 4 * s - 4), (8, t, 0)]
    edges = [(1, 1, 1), (tile, tile, inner), (tile + 1, tile - 1, inner - 1)]
    edges += [(tile - 1, tile + 1, inner + 1), (2 * tile + 3, 5, 3 * inner), (3, 2 * tile + 3, 2)]
    return [*edges, (7, tile, 4 * inner + 5), (5, 6, 0)]


@each_form
@each_way
def test_small_integers_are_exact(kernel, force, method, tile, form):
    """A wrong index, a barrier too few, a stray edge: the sums are wrong or NaN."""
    force(method, tile)
    for m, n, k in shapes(method, tile):
        a, b, bias = integers(m, n, k)
        c, before = matmul(kernel, form, a, b, bias, "relu", before=True)
        np.testing.assert_array_equal(before, a @ b + bias, f"{m, n, k}")
        np.testing.assert_array_equal(c, np.maximum(a @ b + bias, 0), f"{m, n, k}")


@each_form
@each_way
def test_strips_of_tiles(kernel, force, method, tile, form):
    """More rows of tiles than a strip has, and not a multiple; columns of tiles in each."""
    force(method, tile)
    kernel.ways = kernel.ways[:2]
    m, n, k = 10 * tile + 4, tile + 4, 4
    a, b, bias = integers(m, n, k)
    np.testing.assert_array_equal(matmul(kernel, form, a, b, bias), a @ b + bias)


@each_form
@each_way
def test_error_bounds(kernel, force, method, tile, form):
    force(method, tile)
    kernel.ways = kernel.ways[:3]
    for m, n, k in [(tile + 8, tile - 12, 100), (20, 68, 40)]:
        a, b, bias = operands(m, n, k)
        exact, allowed = bounds(a, b, bias, method)
        off = abs(matmul(kernel, form, a, b, bias) - exact)
        assert (off <= allowed).all(), f"{(off / allowed).max():.2f} of what is allowed"
        if method in ("tf32", "bf16"):
            assert off.max() > LOST[method] * allowed.max() / 100, "nothing was rounded"


@each_form
@each_way
def test_nan_and_infinity(kernel, force, method, tile, form):
    """In their row and column, and nowhere else. Split factors make NaN of an infinity."""
    force(method, tile)
    kernel.ways = kernel.ways[:2]
    m, n, k = 36, 44, 20
    a, b, _ = operands(m, n, k)
    a[m // 2, k // 2] = np.nan
    b[k - 1, n // 3] = np.inf
    c = matmul(kernel, form, a, b)
    row, column = np.arange(m)[:, None] == m // 2, np.arange(n) == n // 3
    np.testing.assert_array_equal(np.isfinite(c), ~(row | column))
    assert np.isnan(c[m // 2]).all()
    if method not in PRODUCTS:
        assert np.isinf(c[~row[:, 0], n // 3]).all()


@each_way
def test_the_ends_of_the_range(kernel, force, method, tile):
    """The largest number is none of bf16 and tf32: its parts must be finite all the same."""
    force(method, tile)
    a = np.full((8, 32), np.finfo(np.float32).max, np.float32)
    b = np.full((32, 8), 2.0**-6, np.float32)
    c = matmul(kernel, "nn", a, b)
    if method in ("bf16", "tf32"):  # rounded to nearest
        assert np.isinf(c).all()
    else:
        exact = a[:1].astype(np.float64) @ b[:, :1]
        assert (abs(c / exact - 1) <= LOST[method] + 200 * UNIT).all()


@pytest.mark.parametrize("activation", ["linear", "leaky_relu", "gelu", "softplus"])
@each_way
def test_epilogue_in_every_way(kernel, force, method, tile, activation):
    force(method, tile)
    kernel.ways = kernel.ways[:2]
    test_epilogue_is_the_separate_operations(kernel, "nn", activation, tile + 4, 20, 8)


@pytest.mark.parametrize("m, n, k", [(5, 3, 7), (29, 36, 65)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_way_back(kernel, activation, m, n, k):
    kernel.ways = kernel.ways[:3]
    check_way_back(kernel, "nt", activation, m, n, k)


@pytest.mark.parametrize("activation", ["leaky_relu", "gelu_tanh"])
@each_way
def test_the_way_back_in_every_way(kernel, force, method, tile, activation):
    force(method, tile)
    kernel.ways = kernel.ways[:2]
    check_way_back(kernel, "nt", activation, tile + 4, 20, 8)
    force(method, tile, 2)  # parts of a sum, added by another kernel
    check_way_back(kernel, "nt", activation, 12, 20, 72)


# ---- float32


CHAINS = [(1, 1, 1), (5, 3, 7), (29, 33, 65), (128, 10, 128), (131, 1, 70), (65, 257, 34)]


@pytest.mark.parametrize("m, n, k", CHAINS)
def test_the_chain(kernel, m, n, k):
    """In float32 the bits are the CPU's, but for its dots: one chain of fused multiply-adds."""
    check_chain(kernel, m, n, k)


@pytest.mark.parametrize("tile", [128, 64, 32])
def test_the_chain_in_every_tile(kernel, force, tile):
    force("simt", tile)
    check_chain(kernel, 70, 75, 90)


@each_form
@pytest.mark.parametrize("m, n, k", CHAINS)
def test_error_bound(kernel, form, m, n, k):
    check_error_bound(kernel, form, m, n, k)


@each_form
@pytest.mark.parametrize("m, n, k", CHAINS)
def test_nan(kernel, form, m, n, k):
    check_nan(kernel, form, m, n, k)


# ---- split sums


@each_form
@each_way
def test_a_split_sum_is_the_sum_of_its_parts(kernel, force, method, tile, form):
    """In order, bit for bit; the last part is shorter, and whole slices make a part. (bf16x3 splits
    a sum of three times the length.)"""
    every_way, kernel.ways = kernel.ways, kernel.ways[:2]
    m, n, k, cut = 12, 20, 140, 64  # 140 in 3 parts: 47 each, in slices of 32
    a, b, bias = operands(m, n, k)
    force(method, tile)
    parts = [matmul(kernel, form, a[:, i : i + cut], b[i : i + cut]) for i in range(0, k, cut)]
    total = (parts[0] + parts[1]) + parts[2]
    kernel.ways = every_way
    force(method, tile, 3)
    c, before = matmul(kernel, form, a, b, bias, "relu", before=True)
    if method == "bf16x3":
        exact, allowed = bounds(a, b, bias, method)
        assert (abs(before - exact) <= allowed).all()
    else:
        assert before.tobytes() == (total + bias).tobytes()
    np.testing.assert_array_equal(c, np.maximum(before, 0))


@each_form
def test_long_sums_are_split(kernel, cuda_device, form):
    """By the sizes alone: a card with more multiprocessors gives the same bits."""
    m, n, k = 5, 18, 2100
    assert "k in 4 parts" in cuda_device.matmul_reason(form, m, n, k)
    a, b, bias = operands(m, n, k)
    c = matmul(kernel, form, a, b, bias)
    exact = a.astype(np.float64) @ b + bias
    assert_close(c, exact, abs(a.astype(np.float64)) @ abs(b) + abs(bias), k + 6, form)
    if hasattr(cuda_device, "emulator"):
        cuda_device.emulator.configure(multiprocessors=3)
        assert matmul(kernel, form, a, b, bias).tobytes() == c.tobytes()


# ---- the choice


# (m, n, k), precision, compute capability: what is taken.
CHOICES = [
    ((128, 128, 784), "highest", (9, 0), "simt 32x32"),
    ((1024, 1024, 1024), "highest", (9, 0), "simt 64x64"),
    ((4096, 4096, 4096), "highest", (8, 0), "simt 128x128"),
    ((65536, 10, 128), "highest", (8, 0), "simt 32x32"),
    ((64, 64, 65536), "highest", (8, 0), "simt 32x32, k in 27 parts"),
    ((128, 128, 784), "high", (9, 0), "3xtf32 64x64"),
    ((128, 128, 784), "high", (8, 9), "simt 32x32"),
    ((4096, 4096, 4096), "high", (8, 0), "bf16x3 128x128"),
    ((4096, 4096, 4096), "high", (10, 3), "bf16x3 128x128"),
    ((4096, 4096, 4096), "high", (11, 0), "simt 128x128"),
    ((4096, 4096, 4096), "high", (12, 0), "simt 128x128"),
    ((128, 128, 784), "medium", (8, 6), "tf32 64x64"),
    ((128, 130, 785), "medium", (8, 6), "bf16 64x64"),
    ((128, 34, 785), "medium", (8, 6), "simt 32x32"),
    ((128, 10, 784), "medium", (9, 0), "simt 32x32"),
    ((4096, 4096, 4096), "medium", (12, 0), "bf16 128x128"),
]


@pytest.mark.parametrize("shape, precision, capability, taken", CHOICES)
def test_choices(cuda_device, shape, precision, capability, taken):
    if not hasattr(cuda_device, "emulator"):
        pytest.skip("the card is what it is")
    cuda_device.emulator.configure(major=capability[0], minor=capability[1])
    reason = cuda_device.matmul_reason("nn", *shape, PRECISIONS.index(precision))
    assert reason.startswith(taken + ": ")


@each_form
@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_is_chosen_is_as_exact_as_asked_for(kernel, precision, form):
    """docs/precision.md: float32, bf16x3, bf16 at least. Aligned rows and others."""
    least = {"highest": "simt", "high": "bf16x3", "medium": "bf16"}[precision]
    kernel.ways = kernel.ways[:2]
    for m, n, k in [(36, 40, 64), (33, 131, 129), (40, 20, 30)]:
        a, b, bias = operands(m, n, k)
        exact, allowed = bounds(a, b, bias, least)
        assert (abs(matmul(kernel, form, a, b, bias, precision=precision) - exact) <= allowed).all()


def test_launches_say_why(cuda_device):
    signature = signatures()["matmul_nn"]
    record = np.zeros(1, INSTR)
    record["opcode"] = signature.code
    record["dims"][0, :3] = 8, 4096, 8  # m, k, n
    record["operands"]["space"][0, :6] = 0, 0, -1, -1, 1, -1
    record["operands"]["offset"][0, 1] = 4 * 8 * 4096
    spaces = [cuda_device.Memory(0, 2 * 4 * 8 * 4096), cuda_device.Memory(0, 4 * 64)]
    bound = cuda_device.Program(record, [s.nbytes for s in spaces]).bind(0, spaces)
    reasons = [reason for _, name, *_, reason in bound.launches if name == "matmul_nn"]
    assert reasons == ['simt 32x32, k in 8 parts: "highest" is float32'] * 2
