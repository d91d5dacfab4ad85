"""`fastnn.ops` on NumPy arrays: every op natively against its own reference in float64, and what it
does with arrays that are not as the kernel wants them."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import ops
from fastnn.ops import _eager
from fastnn.ops._philox import words
from fastnn.planner.signature import signatures
from fastnn.runtime.load import core
from tests.op_samples import SAMPLES

pytestmark = pytest.mark.cpu(
    reason="ops on NumPy arrays run there; tests/cuda/test_ops.py is of others"
)

U = 2.0**-24  # half the distance from 1 to the next float32
CASES = [
    pytest.param(ops.registry[name], sample, id=f"{name}-{i}")
    for name, samples in SAMPLES.items()
    for i, sample in enumerate(samples)
]
X = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)


def native_inputs(op, sample) -> list:
    """The sample's inputs in the dtypes of the kernel, copied."""
    return [
        None if x is None else np.array(x, x.dtype if d.dtype == "any" else d.dtype)
        for x, d in zip(sample.inputs, op.inputs, strict=True)
    ]


def written(op, inputs) -> list:
    """Those of the inputs that the op updates."""
    if not op.effect:
        return []
    reads = [o for o in signatures()[op.name].operands if o.read]
    return [x for x, o in zip(inputs, reads, strict=False) if o.written and x is not None]


def reference(op, inputs, sample) -> list:
    """In float64, on the same float32 values."""
    wide = [x.astype(np.float64) if x is not None and x.dtype == np.float32 else x for x in inputs]
    extra = {"run": sample.run()} if op.run else {}
    results = op.reference(*wide, **{**op.attrs, **sample.attrs}, **extra)
    return list(results) if isinstance(results, tuple) else [results]


@pytest.fixture
def places():
    """Two functions: to where ops find their inputs, and back (others: tests/cuda/test_ops.py)."""
    return (lambda x: x), (lambda x: x)


def outcome(op, inputs, sample, places) -> list:
    """What the op makes of the inputs, or which of them it updates."""
    there, back = places
    inputs = [None if x is None else there(x) for x in inputs]
    made = op(*inputs, **sample.attrs, **sample.state)
    if op.effect:
        assert made is None
        made = written(op, inputs)
    return [back(x) for x in (made if isinstance(made, (tuple, list)) else [made])]


@pytest.mark.parametrize(("op", "sample"), CASES)
def test_native_is_the_reference(op, sample, places):
    """A result is off by at most k u times the largest value that went into it; k allows for an
    exponential (4 ulp) or two, a few products, and sums of n terms in at least four lanes."""
    inputs = native_inputs(op, sample)
    expected = reference(op, inputs, sample)
    made = outcome(op, inputs, sample, places)
    assert len(made) == len(expected)
    terms = max([x.size for x in inputs if x is not None], default=1)
    largest = max([np.abs(x).max() for x in inputs if x is not None and x.size], default=1)
    for got, want in zip(made, expected, strict=True):
        want = np.asarray(want)
        assert got.shape == want.shape
        if want.size == 0:
            continue
        scale = max(largest, np.abs(want).max(), 1)
        k = 24 + terms / max(want.size, 1) / 4
        np.testing.assert_allclose(got, want, rtol=0, atol=k * U * scale)


# Where an infinity meets a rounding error: inf * (a - a) or inf * 2^-53, either may come out.
UNCERTAIN = ("softplus_grad", "softmax_crossentropy_grad")


@pytest.mark.parametrize(("op", "sample"), CASES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_come_out_where_the_reference_has_them(op, sample, bad, places):
    if op.name == "check_finite" or (op.name in UNCERTAIN and np.isinf(bad)):
        return
    for i, x in enumerate(native_inputs(op, sample)):
        if x is None or x.dtype not in (np.float32, np.float64):
            continue
        inputs = native_inputs(op, sample)
        inputs[i].flat[x.size // 2] = bad
        with np.errstate(all="ignore"):
            expected = reference(op, [y if y is None else y.copy() for y in inputs], sample)
        for got, want in zip(outcome(op, inputs, sample, places), expected, strict=True):
            np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
            np.testing.assert_array_equal(np.isinf(got), np.isinf(want))


def test_philox_words():
    # The known answer of the authors for a counter and a key of zeros.
    assert [hex(w) for w in words(0, 0, 0, 4)] == [
        "0x6627e8d5", "0xe169c58d", "0xbc57ac4c", "0x9b00dbd8",
    ]  # fmt: skip
    for seed, stream, step, count in (
        (1, 2, 3, 9),
        (2**64 - 1, 2**32 - 1, 2**33 + 5, 130),
        (5, 0, 0, 0),
    ):
        np.testing.assert_array_equal(
            words(seed, stream, step, count), core().philox(seed, stream, step & 0xFFFFFFFF, count)
        )


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 1.0])
def test_dropout_is_the_reference_bit_for_bit(rate):
    x = np.arange(1, 1004, dtype=np.float32)
    state = {"seed": 2**63 + 11, "step": 12345}
    sample = SAMPLES["dropout"][0]._replace(state=state)
    got = ops.dropout(x, rate, 7, **state)
    expected = ops.dropout.reference(x, rate, 7, run=sample.run("float32"))
    np.testing.assert_array_equal(got, expected.astype(np.float32))
    share = np.mean(got != 0)
    assert abs(share - (1 - rate)) <= 5 * np.sqrt(rate * (1 - rate) / x.size)
    assert not np.array_equal(got, ops.dropout(x, rate, 8, **state)) or rate in (0, 1)


# ---- inputs that are not as the kernel wants them


def test_other_dtypes_and_lists_are_converted():
    expected = ops.add(X, np.float32(1))
    for x in (X.astype(np.float64), X.tolist(), X.astype(">f4"), np.asfortranarray(X)):
        np.testing.assert_array_equal(ops.add(x, 1), expected)
    half = X.astype(np.float16)
    np.testing.assert_array_equal(ops.square(half), half.astype(np.float32) ** 2)
    np.testing.assert_array_equal(ops.relu(np.arange(-2, 3)), [0, 0, 0, 1, 2])
    np.testing.assert_array_equal(ops.relu([True, False]), [1, 0])
    for labels in ([2, 0], np.array([2, 0], np.uint8), np.array([2, 0])):
        np.testing.assert_array_equal(ops.one_hot(labels, 3), [[0, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize(
    "view",
    [X[:, ::2], X[::-1], X.T, np.broadcast_to(X[0], (3, 4)), X[1:, 1:], X[:0]],
    ids=["strided", "reversed", "transposed", "broadcast", "inner", "empty"],
)
def test_inputs_that_are_not_contiguous_are_copied(view):
    before = view.copy()
    np.testing.assert_array_equal(ops.affine(view, scale=2.0, shift=1.0), view * 2 + 1)
    np.testing.assert_array_equal(ops.add(view, view), 2 * view)
    np.testing.assert_array_equal(view, before)


def test_an_unaligned_array_is_an_input_like_any_other():
    raw = np.zeros(X.nbytes + 1, np.uint8)
    odd = raw[1:].view(np.float32).reshape(X.shape)
    odd[...] = X
    np.testing.assert_array_equal(ops.relu(odd), np.maximum(X, 0))


def test_scalars_and_shapes_of_results():
    total = ops.weighted_sum([1.0, 2.0, 3.0], divisor=2.0)
    assert isinstance(total, np.ndarray) and total.shape == () and total == 3
    assert ops.exp(0.0).shape == ()
    rows, probabilities = ops.softmax_crossentropy([[1.0, 0.0]], [[0.0, 0.0]])
    assert rows.shape == (1,) and probabilities.tolist() == [[0.5, 0.5]]
    assert ops.sum(X, axis=(0, 1)) == 0 and ops.mean(X, axis=0, keepdims=True).shape == (1, 4)


def test_reshape_is_a_view():
    assert ops.reshape(X, (4, -1)).base is not None
    out = np.empty((4, 3), np.float32)
    assert ops.reshape(X, (4, 3), out=out) is out and out[3, 2] == 2


# ---- out


def test_out_is_written_and_returned():
    out = np.full((3, 4), np.nan, np.float32)
    assert ops.relu(X, out=out) is out
    np.testing.assert_array_equal(out, np.maximum(X, 0))
    rows, probabilities = np.empty(3, np.float32), np.empty((3, 4), np.float32)
    both = ops.sparse_softmax_crossentropy([0, 1, 2], X, out=(rows, probabilities))
    assert both[0] is rows and both[1] is probabilities
    np.testing.assert_array_equal(probabilities, ops.softmax(X))


def test_out_may_be_an_input_where_the_kernel_allows_it():
    x = X.copy()
    ops.relu(x, out=x)
    np.testing.assert_array_equal(x, np.maximum(X, 0))
    with pytest.raises(ValueError, match=r"ops\.matmul: `out` overlaps `a`"):
        square = np.eye(4, dtype=np.float32)
        ops.matmul(square, square.copy(), out=square)


WRONG_OUT = [
    (np.empty((4, 3), np.float32), r"array of float32\[3, 4\], float32\[4, 3\] came"),
    (np.empty((3, 4)), r"writable array of float32\[3, 4\], float64\[3, 4\] came"),
    (np.empty((4, 3), np.float32).T, r"float32\[3, 4\] \(not C-contiguous\) came"),
    ([[0.0] * 4] * 3, "list came"),
    ((np.empty((3, 4), np.float32),) * 2, "1 arrays, 2 came"),
]


@pytest.mark.parametrize(("out", "message"), WRONG_OUT)
def test_wrong_out(out, message):
    with pytest.raises(ValueError, match=rf"ops\.relu: `out` must be .*{message}"):
        ops.relu(X, out=out)


def test_read_only_and_overlapping_out():
    frozen = np.empty((3, 4), np.float32)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        ops.relu(X, out=frozen)
    memory = np.zeros(9, np.float32)
    with pytest.raises(ValueError, match="`out` overlaps `x`"):
        ops.relu(memory[:8], out=memory[1:])


# ---- ops that work in place


def test_in_place_operands_must_be_the_callers_own():
    p, g = np.ones(4, np.float32), np.full(4, 2.0)  # g is only read: float64 will do
    assert ops.sgd(p, g, scalars=[0.25, 0.0]) is None
    np.testing.assert_array_equal(p, 0.5)
    frozen = p.copy()
    frozen.flags.writeable = False
    for wrong, message in (
        (np.ones(4), r"array of float32 is due, float64\[4\] came"),
        (np.ones(8, np.float32)[::2], r"float32\[4\] \(not C-contiguous\) came"),
        (frozen, r"float32\[4\] \(read-only\) came"),
        (np.zeros(17, np.uint8)[1:].view(np.float32), r"float32\[4\] \(not aligned\) came"),
        ([1.0] * 4, r"list came"),
    ):
        with pytest.raises(ValueError, match=rf"ops\.sgd: `p` is updated in place: .*{message}"):
            ops.sgd(wrong, g, scalars=[0.25, 0.0])
    with pytest.raises(ValueError, match="overlaps"):
        ops.sgd(p, p, scalars=[0.25, 0.0])
    with pytest.raises(ValueError, match="scalars"):
        ops.sgd(p, g, scalars=[0.25])


# ---- errors


WRONG = [
    (lambda: ops.relu("text"), TypeError, r"ops\.relu: `x`: an array of <U4 came"),
    (lambda: ops.relu(X + 1j), TypeError, r"complex64 came where float32 is due"),
    (lambda: ops.relu([X, None]), ValueError, r"ops\.relu: `x`: "),
    (lambda: ops.relu(None), ValueError, r"ops\.relu: `x` is missing"),
    (lambda: ops.add(X, X[:, :3]), ValueError, r"ops\.add: shapes \(3, 4\) and \(3, 3\)"),
    (lambda: ops.one_hot([0.5], 3), TypeError, r"`labels`: an array of float64 came where int32"),
    (lambda: ops.one_hot([2**40], 3), ValueError, r"`labels`: .*holds values that int32 cannot"),
    (lambda: ops.one_hot([0, 3], 3), ValueError, r"ops\.one_hot: label 3 in row 1 is out of range"),
    (lambda: ops.gather(X, [9], batch=1), ValueError, r"ops\.gather: index 9 in row 0 is out of"),
    (lambda: ops.gather(X, batch=4), ValueError, r"ops\.gather: index 3 in row 3 is out of range"),
    (lambda: ops.check_finite([1, np.inf]), ValueError, r"element 1 is not finite"),
    (lambda: ops.softmax(X, axis=2), ValueError, r"ops\.softmax: axis 2 is out of range"),
    (lambda: ops.relu(X, step=1), TypeError, r"unknown argument 'step'"),
    (lambda: ops.reshape(X, (5, 5)), ValueError, r"ops\.reshape: .*cannot become \(5, 5\)"),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG)
def test_wrong_calls(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_calls_are_kept_but_not_for_ever(monkeypatch):
    monkeypatch.setattr(_eager, "CACHED", 3)
    monkeypatch.setattr(_eager, "_calls", {})
    for n in range(1, 8):
        np.testing.assert_array_equal(ops.relu(np.ones(n)), np.ones(n))
        np.testing.assert_array_equal(ops.affine(np.ones(n), shift=n), np.full(n, 1.0 + n))
    assert len(_eager._calls) == 3
    assert ops.fill(shape=[2, 2], value=3.0).tolist() == [[3, 3], [3, 3]]  # a list: not kept
    assert len(_eager._calls) == 3
