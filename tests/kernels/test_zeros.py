"""Products whose A is mostly zeros: the same bits as the dense product, whatever the zeros.

The dense product to compare with has one more column in A that is never zero, facing zeros in B: it
adds +0 at the start of each sum, and makes the sample of A look dense enough.
"""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import _core
from fastnn.ops._activations import ACTIVATIONS
from fastnn.planner.signature import signatures
from fastnn.runtime.instr import INSTR

from .helpers import normal
from .test_matmul import between_closed_pages, matmul

FORMS = ("nn", "tn")  # nt never skips: its B would have to be turned first
SHAPES = [  # (m, n, k): one word of bits and several, ragged in all directions, many strips
    (4, 32, 32),
    (5, 33, 64),
    (17, 40, 65),
    (131, 45, 70),
    (128, 128, 784),
    (300, 128, 128),
    (63, 300, 200),
    (9, 517, 131),
]


def sparse(m, k, share, seed=0):
    """Normal values, all but `share` of them zero; some rows and columns wholly so."""
    rng = np.random.default_rng(seed)
    a = normal((m, k), seed) * (rng.random((m, k)) < share)
    a[m // 2] = 0
    a[:, k // 3] = 0
    return a.astype(np.float32)


def dense_product(kernel, form, a, b, *rest, **options):
    """The same product, kept from skipping: as many more columns of ones as A has.

    They are added to each half of k, of which a product may make two chains.
    """
    halves = slice(a.shape[1] // 2), slice(a.shape[1] // 2, None)
    wide = np.hstack([x for half in halves for x in (np.ones_like(a[:, half]), a[:, half])])
    tall = np.vstack([x for half in halves for x in (np.zeros_like(b[half]), b[half])])
    if form == "tn":  # there the sample takes every so many of the rows that k counts
        place = np.arange(a.shape[1])
        order = np.argsort(np.hstack([place[h] for h in halves for _ in "1a"]), kind="stable")
        wide, tall = wide[:, order], tall[order]
    return matmul(kernel, form, wide, tall, *rest, **options)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("m, n, k", SHAPES)
def test_same_bits_as_the_dense_product(kernel, form, m, n, k, share):
    a, b, bias = sparse(m, k, share), normal((k, n), 1), normal(n, 2)
    back = {"activation": "gelu", "saved": normal((m, n), 3)}
    for options in ({}, {"activation": "gelu"}, back):
        got = matmul(kernel, form, a, b, bias, **options)
        want = dense_product(kernel, form, a, b, bias, **options)
        assert got.tobytes() == want.tobytes()
    got = matmul(kernel, form, a, b, bias, "relu", before=True)
    want = dense_product(kernel, form, a, b, bias, "relu", before=True)
    assert [x.tobytes() for x in got] == [x.tobytes() for x in want]


def test_a_half_may_skip_what_is_too_much_for_the_whole(kernel):
    """Of a product in halves: their bits need room that the whole's would not be given."""
    m, n, k = 3000, 64, 784
    a, b = sparse(m, k, 0.1), normal((k, n), 1)
    assert matmul(kernel, "nn", a, b).tobytes() == dense_product(kernel, "nn", a, b).tobytes()


@pytest.mark.parametrize("form", FORMS)
def test_zeros_are_skipped_where_there_are_many(kernel, form):
    """Told apart by the sign of a zero: a product that underflows to -0 stays, unless +0 is added.

    Without a fused multiply-add, the product's -0 is lost in the sum with the starting +0.
    """
    if kernel.isa == "generic":
        pytest.skip("the generic product rounds twice, so both ways end in +0")
    m, n, k = 64, 64, 96
    b = np.ones((k, n), np.float32)
    b[0] = -1e-30
    a = np.zeros((m, k), np.float32)
    a[:, 0] = 1e-30  # the one product, -1e-60, underflows; a dense product goes on to add 0 * 1
    assert np.signbit(matmul(kernel, form, a, b)).all()
    a[:, 1:] = 1
    b[1:] = 0  # no zeros in A: the same sums, now all of them done
    assert not np.signbit(matmul(kernel, form, a, b)).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("form", FORMS)
def test_zero_times_infinity_is_not_zero(kernel, form, bad):
    """0 * inf is NaN: where B is not finite, nothing is skipped."""
    m, n, k = 40, 50, 80
    for position in ((0, 0), (k - 1, n - 1), (k // 2, n // 2)):
        b = normal((k, n), 1)
        b[position] = bad
        c = matmul(kernel, form, sparse(m, k, 0.05), b)
        assert np.isnan(c[m // 2, position[1]])  # that row of A is all zeros
        assert np.isfinite(np.delete(c, position[1], axis=1)).all()


@pytest.mark.parametrize("form", FORMS)
def test_nan_in_a_is_not_a_zero(kernel, form):
    a = sparse(40, 80, 0.05)
    a[7, 11] = np.nan
    c = matmul(kernel, form, a, normal((80, 50), 1))
    assert np.isnan(c[7]).all() and np.isfinite(np.delete(c, 7, axis=0)).all()


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("m, n, k", SHAPES)
def test_nothing_outside_is_read(kernel, form, m, n, k, at_end):
    a, b = sparse(m, k, 0.1), normal((k, n), 1)
    expected = matmul(kernel, form, a, b)
    full = [a.T if form == "tn" else a, b, np.full_like(expected, np.nan)]
    x, y, c = (between_closed_pages(np.ascontiguousarray(o), at_end) for o in full)
    record = np.zeros(1, INSTR)
    signature = signatures()[f"matmul_{form}"]
    record["opcode"] = signature.code
    record["dims"][0, :3] = [{"m": m, "n": n, "k": k}[name] for name in signature.dims]
    record["attrs"][0, 0] = ACTIVATIONS["linear"]
    _core.execute(record, [x, y, None, None, c, None], isa=kernel.isa, threads=3)
    assert c.tobytes() == expected.tobytes()
