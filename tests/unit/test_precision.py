"""The setting of the precision of matrix products, and who looks at it. The products themselves are
tested in tests/kernels/."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import keras, ops
from fastnn.graph import Graph, Variable, gradients
from fastnn.ops._bf16 import round_to_bf16


@pytest.fixture(autouse=True)
def setting_restored():
    yield
    fastnn.set_matmul_precision("highest")


def test_the_setting():
    assert fastnn.get_matmul_precision() == "highest"
    for precision in ("high", "medium", "highest"):
        fastnn.set_matmul_precision(precision)
        assert fastnn.get_matmul_precision() == precision


@pytest.mark.parametrize("wrong", ["low", "Medium", "", None, 2])
def test_a_wrong_setting_changes_nothing(wrong):
    fastnn.set_matmul_precision("high")
    with pytest.raises(ValueError, match="'highest', 'high' or 'medium'. Received: "):
        fastnn.set_matmul_precision(wrong)
    assert fastnn.get_matmul_precision() == "high"


# ---- rounding


def nearest_bf16(x: float) -> float:
    """By exact arithmetic: the nearest number with 8 bits of significand, ties to even ones."""
    if not np.isfinite(x) or abs(x) < 2.0**-126:
        return np.copysign(0.0, x) if np.isfinite(x) else x
    unit = 2.0 ** (np.frexp(x)[1] - 8)
    rounded = np.round(x / unit) * unit  # np.round: ties to even
    return np.copysign(np.inf, x) if abs(rounded) >= 2.0**128 else rounded


def test_round_to_bf16():
    bits = np.random.default_rng(0).integers(0, 2**32, 20000, dtype=np.uint32)
    bits[:8000] &= 0xFFFF8000  # ties, and what is a bf16 already
    edges = [0, 1 << 31, 1, 0x7FFFFF, 0x800000, 0x7F7F7FFF, 0x7F7F8000, 0x7F800000, 0xFF800000]
    x = np.concatenate([bits, np.array(edges, np.uint32)]).view(np.float32)
    got = round_to_bf16(x)
    expected = np.array([nearest_bf16(float(v)) for v in x])
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(np.signbit(got), np.signbit(expected) & ~np.isnan(x))
    assert got.dtype == np.float32
    assert round_to_bf16(np.array([1 / 3])).dtype == np.float64


# ---- who looks at it


def test_ops_take_the_setting_unless_told_otherwise():
    with Graph() as graph:
        x, w = Variable(np.ones((2, 3), np.float32)), Variable(np.ones((3, 4), np.float32))
        ops.matmul(x, w)
        fastnn.set_matmul_precision("medium")
        ops.matmul(x, w)
        ops.matmul(x, w, precision="high")
        ops.matmul(x, w, precision=None)
    assert [n.attrs["precision"] for n in graph.nodes] == ["highest", "medium", "high", "medium"]


@pytest.mark.parametrize("transpose_a, transpose_b", [(False, False), (True, False), (False, True)])
def test_gradients_are_as_precise_as_their_product(transpose_a, transpose_b):
    with Graph() as graph:
        a = Variable(np.ones((3, 2) if transpose_a else (2, 3), np.float32))
        b = Variable(np.ones((4, 3) if transpose_b else (3, 4), np.float32))
        total = ops.sum(ops.matmul(a, b, transpose_a, transpose_b, precision="medium"))
        gradients(graph, total, [a, b])
    products = [n.attrs["precision"] for n in graph.nodes if n.op.name == "matmul"]
    assert products == ["medium"] * 3


def test_the_references_round():
    a, b = np.float32([[1 + 2**-9]]), np.float32([[1.0]])
    assert ops.matmul.reference(a, b, False, False, "medium") == 1.0
    assert ops.matmul.reference(a, b, False, False, "high") == a


def test_a_trainer_plans_again_for_another_setting():
    """And takes the first program again for the first setting."""
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, activation="relu")])
    x, y = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
    trainer = fastnn.Trainer(model, "sgd", "mse", device="numpy")
    planned = []
    for precision in ("highest", "medium", "highest"):
        fastnn.set_matmul_precision(precision)
        trainer.step(x, y)
        planned.append(list(trainer._programs.values())[-1])
    assert planned[0] is planned[2] is not planned[1]
    assert "medium" not in str(planned[0].plan)
    assert "matmul_nn medium +relu" in str(planned[1].plan)
    assert "matmul_tn medium" in str(planned[1].plan)
