"""Joins of a plan for CUDA, without a device: what they are, and that their buffers do not meet."""

from __future__ import annotations

from dataclasses import replace

import pytest

import fastnn
from fastnn.keras import Sequential
from fastnn.keras.layers import Dense, Dropout, Flatten, Input, Rescaling
from fastnn.planner import CUDA, Plan
from fastnn.planner.chain import touched

STEP = replace(CUDA, mlp=False)


def plan_of(hidden=(128,), target=CUDA, batch=128, extra=(), outputs=10, **kwargs) -> Plan:
    layers = [Input((28, 28)), Rescaling(1 / 255), Flatten(), *(Dense(h, "relu") for h in hidden)]
    trainer = fastnn.Trainer(
        Sequential([*layers, *extra, Dense(outputs, "softmax")]), "adam",
        "sparse_categorical_crossentropy", metrics=["accuracy"], device="cpu", **kwargs,
    )  # fmt: skip
    trainer._target = target
    return trainer.plan(batch)


def test_the_founding_network():
    made = plan_of()
    assert [(j.kind, j.begin, j.end) for j in made.joins] == [("mlp", 0, 8), ("update", 8, 16)]
    assert made.notes == []
    names = [s.opcode for s in made.steps]
    assert names[0] == "gather_f32_f32" and names[-1] == "adam" and names[7] == "matmul_nt"
    assert made.steps[7].node.attrs["activation"] == "relu" and "relu_grad" not in names


def test_without_the_fused_network():
    made = plan_of(target=STEP)
    assert [j.kind for j in made.joins] == ["block", "update"]
    launched = len(made.steps) - sum(j.end - j.begin - 1 for j in made.joins)
    assert launched == 6


@pytest.mark.parametrize("target", [CUDA, STEP])
@pytest.mark.parametrize("hidden", [(), (16,), (128, 64, 32), (128,) * 7])
def test_buffers_of_a_join_do_not_meet(hidden, target):
    """Blocks are at different instructions at the same time. What one of them writes may overlap
    another tensor only where both are the same rows: written over its own input."""
    made = plan_of(hidden, target)
    assert made.joins[-1].kind == "update" and made.joins[-1].end == len(made.steps)
    for join in made.joins:
        if join.kind == "block":
            continue
        places = [x for s in made.steps[join.begin : join.end] for x in touched(s)]
        for place, written in places:
            for other, _ in places:
                if written and place.overlaps(other) and place.space == "arena":
                    assert (place.offset, place.nbytes) == (other.offset, other.nbytes)


@pytest.mark.parametrize(
    "change, note",
    [
        ({"hidden": (129,)}, "no mlp join: 2 layers, at most 129 wide: it does 8 of 128"),
        ({"hidden": (8,) * 8}, "no mlp join: 9 layers, at most 10 wide"),
        ({"extra": [Dropout(0.5)]}, "no mlp join: dropout of dropout"),
        ({"batch": 1024, "outputs": 20},
         "no mlp join: sparse_softmax_crossentropy of loss makes [1024], [1024, 20]: it does 16384 "
         "elements, 128 a row"),
        ({"batch": 1025}, "no update join: gradients from 1025 rows"),
        ({"hidden": (1024, 1024)}, "no update join: gradients from 128 rows"),
        ({"keep_gradients": True}, "no update join: gradients are to be kept"),
    ],
)  # fmt: skip
def test_why_not(change, note):
    made = plan_of(**change)
    assert any(n.startswith(note) for n in made.notes), made.notes


def test_no_joins_where_every_result_is_looked_at():
    assert plan_of(check_finite=True).joins == []
    assert plan_of(target=replace(CUDA, joins=False)).joins == []
