"""Which minibatches may lie in two halves: those of long rows that only products read."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import ops
from fastnn.graph import Bound, Graph, Storage, Variable
from fastnn.planner import plan
from fastnn.planner.plan import CUDA
from tests.layout import assert_halves_are_sound


def planned(width=600, also=None, keep=None, dtype="uint8", target=None, **options):
    """The plan of `x w` and `x^T z`, x a gathered minibatch; `also(x)` records something more, and
    `keep(x)` says what else stays readable."""
    w = Variable(np.zeros((width, 64), np.float32), name="w")
    z = Variable(np.zeros((8, 64), np.float32), name="z")
    Storage("params", [w, z])
    graph = Graph()
    with graph:
        x = ops.gather(Bound("x", (0, width), dtype), None, batch=8)
        outputs = {"y": ops.matmul(x, w), "g": ops.matmul(x, z, transpose_a=True)}
        if also:
            outputs["also"] = also(x)
    if keep:
        outputs["kept"] = keep(x)
    if target:
        options["target"] = target
    p = plan(graph, outputs=outputs, **options)
    assert_halves_are_sound(p)
    return p


def halved(p):
    return [step.opcode for step in p.steps if step.halved]


WHOLE = ["gather_u8_f32", "matmul_nn", "matmul_tn"]


def test_the_gather_and_its_products():
    p = planned()
    assert halved(p) == WHOLE
    assert "  h  matmul_tn" in str(p)


def test_a_reshape_reads_nothing():
    other = Variable(np.zeros((600, 64), np.float32), name="other")
    Storage("frozen", [other])
    p = planned(also=lambda x: ops.matmul(ops.reshape(x, (8, 600)), other))
    assert halved(p) == [*WHOLE, "matmul_nn"]


def test_short_rows_are_not():
    assert halved(planned(width=511)) == []
    assert halved(planned(width=512)) == WHOLE


@pytest.mark.parametrize(
    "also",
    [
        ops.relu,
        lambda x: ops.matmul(x, x, transpose_b=True),
        lambda x: ops.matmul(x, x, transpose_a=True),
        lambda x: ops.matmul(ops.reshape(x, (16, 300)), np.zeros((300, 4), np.float32)),
    ],
    ids=["an activation", "x x^T", "x^T x", "other rows"],
)
def test_what_something_else_reads_is_not(also):
    assert halved(planned(also=also)) == []


def test_what_is_kept_is_not():
    assert halved(planned(keep=lambda x: x)) == []


def test_what_is_looked_at_is_not():
    assert halved(planned(check_finite=True)) == []


def test_a_gpu_has_no_halves():
    assert halved(planned(target=CUDA)) == []


def test_the_check_sees_another_reader():
    p = planned(also=ops.relu)
    for step in p.steps:
        step.halved = step.opcode in WHOLE
    with pytest.raises(AssertionError, match="relu"):
        assert_halves_are_sound(p)


def test_the_check_sees_a_product_of_what_is_not_halved():
    p = planned()
    p.steps[0].halved = False
    with pytest.raises(AssertionError, match="matmul_nn"):
        assert_halves_are_sound(p)
