"""Twenty steps of training in fastnn against the same twenty steps in real Keras.

Two tolerances. The contract: each weight, after the first step and after the last, within a tenth
of how far that step moved its tensor (mean |w_t - w_(t-1)|) of where Keras in float32 has it. And
rounding: within what rounding explains of where Keras in float64 has it. The second is what tells
gelu from its tanh form; `test_options_are_told_apart` holds it to that.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.keras_parity import golden, loss_cases, network_cases, optimizer_cases
from tests.keras_parity.cases import STEPS, Case, batches, build, checksum, run

CASES = optimizer_cases.CASES + network_cases.CASES + loss_cases.CASES
HALF_ULP = 2.0**-24  # of a float32 in [1/2, 1), relative to one


def kept(case: Case, what: str) -> tuple[np.ndarray, np.ndarray]:
    """What Keras got: in float32, and in float64."""
    return tuple(
        golden.load(f"trajectories_{floatx}")[f"{case.name}/{what}"].astype(np.float64)
        for floatx in ("float32", "float64")
    )


def rounding(case: Case, what: str) -> float:
    """How far from exact twenty float32 steps may end.

    Every step rounds each weight once, by at most half an ulp; what gradients add is measured:
    Keras' own distance between float32 and float64, of which another order of sums may make a few.
    """
    single, double = kept(case, what)
    steps = 1 if what == "first" else STEPS
    return steps * HALF_ULP * np.abs(double).max() + 8 * np.abs(single - double).max()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_trajectory(case: Case, record_property):
    from fastnn import keras

    keras.utils.clear_session()
    shapes = [weight.shape for weight in build(keras, case).get_weights()]
    assert checksum(case, shapes) == golden.read("trajectories")["checksums"][case.name]

    losses, weights = run(keras, case)
    tensors = golden.sample_tensors(weights[0])
    moved = golden.load("trajectories_float32")[f"{case.name}/moved"].astype(np.float64)
    for what, step in (("first", 1), ("last", STEPS)):
        ours = golden.sample(weights[step]).astype(np.float64)
        single, double = kept(case, what)
        tenth = 0.1 * moved[step - 1][tensors]
        error = np.abs(ours - single)
        where = f"after step {step}, tensor {tensors[np.argmax(error - tenth)]}"
        assert (error <= tenth).all(), f"{where}: off by {(error - tenth).max():.2e}"
        record_property(f"{what}_share_of_a_step", np.max(error / np.maximum(10 * tenth, 1e-30)))
        assert np.abs(ours - double).max() <= rounding(case, what), f"after step {step}"

    single, double = kept(case, "losses")
    # A loss is a sum over the batch of a few roundings each, of values no larger than itself.
    allowed = 8 * np.abs(single - double) + 16 * HALF_ULP * np.abs(double).max()
    np.testing.assert_array_less(np.abs(np.array(losses) - double), allowed)


def test_options_are_told_apart():
    """No two different cases of a family lie within each other's tolerance, so each can fail."""
    for family in {case.family for case in CASES}:
        members = [case for case in CASES if case.family == family and case.twin is None]
        for one, other in itertools.combinations(members, 2):
            last_one, last_other = kept(one, "last")[1], kept(other, "last")[1]
            comparable = (one.inputs, one.targets) == (other.inputs, other.targets)
            if not comparable or last_one.shape != last_other.shape:
                continue
            apart = np.abs(last_one - last_other).max()
            assert apart > 2 * max(rounding(one, "last"), rounding(other, "last")), (one, other)


def test_twins_agree():
    """Two spellings of one thing gave Keras one trajectory: the recordings are sound."""
    names = {case.name: case for case in CASES}
    for case in CASES:
        if case.twin is not None:
            apart = np.abs(kept(case, "last")[1] - kept(names[case.twin], "last")[1]).max()
            assert apart <= 1e-8, case.name


def test_every_step_moves():
    """A tenth of no movement would demand exactness, and a still case would show nothing."""
    for case in CASES:
        moved = golden.load("trajectories_float32")[f"{case.name}/moved"]
        assert (moved.max(axis=1) > 0).all(), case.name
        assert len(batches(case)) == STEPS == len(moved)
