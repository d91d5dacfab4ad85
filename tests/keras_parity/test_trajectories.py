"""Twenty steps of training in fastnn against the same twenty steps in real Keras.

Two tolerances. The contract: each weight, after the first step and after the last, within a tenth
of how far that step moved its tensor (mean |w_t - w_(t-1)|) of where Keras in float32 has it;
`pytest -rP` shows how near it is. And rounding: within what rounding explains of where Keras in
float64 has it. The second is what tells gelu from its tanh form, and
`test_options_are_told_apart` holds it to that.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.keras_parity import golden, loss_cases, network_cases, optimizer_cases
from tests.keras_parity.cases import ROWS, STEPS, Case, batches, build, checksum, run

CASES = optimizer_cases.CASES + network_cases.CASES + loss_cases.CASES
HALF_ULP = 2.0**-24  # of a float32 in [1/2, 1), relative to one


def kept(case: Case, what: str) -> tuple[np.ndarray, np.ndarray]:
    """What Keras got: in float32, and in float64."""
    return tuple(
        golden.load(f"trajectories_{floatx}")[f"{case.name}/{what}"].astype(np.float64)
        for floatx in ("float32", "float64")
    )


def rounding(case: Case, what: str) -> float:
    """How far from Keras in float64 the weights may be, for all that rounding explains.

    - Every step rounds each weight once, by at most half an ulp.
    - What the gradients' roundings add is measured: Keras' own distance between float32 and
      float64, of which another order of sums may make a few.
    - Keras rounds a beta_2 of 0.999 to float32 before it takes 1 - beta_2^t (in float64 too), which
      makes a step longer or shorter by up to 2^-16 of itself.
    """
    single, double = kept(case, what)
    steps = 1 if what == "first" else STEPS
    travelled = golden.load("trajectories_float32")[f"{case.name}/moved"][:steps].max(axis=1).sum()
    measured = np.abs(single - double).max()
    return steps * HALF_ULP * np.abs(double).max() + 16 * measured + 2.0**-16 * travelled


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_trajectory(case: Case):
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
        share = np.max(error / np.maximum(10 * tenth, 1e-30))
        print(f"{case.name}: off by {share:.6f} of step {step}")
        assert np.abs(ours - double).max() <= rounding(case, what), f"after step {step}"

    single, double = kept(case, "losses")
    # A loss is a sum over the batch, of a few roundings each; and it follows the weights.
    allowed = 16 * (np.abs(single - double) + HALF_ULP * np.abs(double).max())
    allowed += 2.0**-16 * np.ptp(double)
    np.testing.assert_array_less(np.abs(np.array(losses) - double), allowed)


@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.learning_rates], ids=lambda case: case.name
)
def test_trajectory_of_the_references(case: Case):
    """The same in float64 on the NumPy device, all steps in one run of the program: it ends where
    Keras in float64 ends, but for the rounding of learning rates, and of the weights at the end, to
    float32 (and for Keras' beta_2, see above).
    """
    from fastnn import Trainer, keras

    keras.utils.clear_session()
    model = build(keras, case)
    x, y, sample_weight = (
        None if parts[0] is None else np.concatenate(parts)
        for parts in zip(*batches(case), strict=True)
    )
    trainer = Trainer(model, case.optimizer(keras), case.loss(keras), device="numpy:float64")
    trainer.train_rows(x, y, sample_weight, batch_size=ROWS)
    keras_last = kept(case, "last")[1]
    moved = golden.load("trajectories_float32")[f"{case.name}/moved"]
    allowed = 16 * HALF_ULP * np.abs(keras_last).max() + 2.0**-16 * moved.max(axis=1).sum()
    assert np.abs(golden.sample(model.get_weights()) - keras_last).max() <= allowed


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
