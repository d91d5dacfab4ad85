"""`model.plan(device="cuda")`: what is launched, bytes and FLOPs against the card's roofline."""

from __future__ import annotations

import copy

import pytest

from fastnn.keras import Sequential
from fastnn.keras.layers import Dense, Flatten, Input, Rescaling
from fastnn.runtime.cuda_plan import REFERENCE, DevicePlan

from .test_join import founding, pixels, train


def founding_model(**kwargs):
    layers = [Input((28, 28)), Rescaling(1 / 255), Flatten(), Dense(128, "relu")]
    model = Sequential([*layers, Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **kwargs)
    return model


def test_the_founding_network():
    made = founding_model().plan(128, device="cuda")
    assert isinstance(made, DevicePlan)
    assert [x.name for x in made.launches] == ["mlp", "update"]
    mlp, update = made.launches
    assert (mlp.grid, mlp.block) == ((16, 1, 1), (256, 1, 1))  # 8 rows each
    # 25 x 4 tiles of the first layer's weights and 4 x 1 of the second's, 4 + 1 of the biases,
    # and the sums.
    assert update.grid == (100 + 4 + 4 + 1 + 1, 1, 1)
    parameters = 784 * 128 + 128 + 128 * 10 + 10
    rows = 128 * 784 * 4 + 128 * 8  # of pixels, and where they lie
    assert mlp.nbytes == pytest.approx(
        rows + 128 * 4  # labels
        + 4 * parameters + 2 * 4 * 128 * 128  # weights; the hidden layer and its gradient
        + 4 * 128 * (3 * 10 + 1 + 1 + 1 + 1),  # logits, probabilities, gradient; rows of numbers
        rel=0.01,
    )  # fmt: skip
    assert update.nbytes == pytest.approx(
        rows + 2 * 4 * 128 * (128 + 10) - 4 * 128 * 10 + 6 * 4 * parameters,
        rel=0.02,  # parameters and two slots, read and written
    )
    assert sum(x.flops for x in made.launches) == made.plan.flops
    for launch in made.launches:
        bound = max(launch.nbytes / made.card.bandwidth, launch.flops / made.card.flops)
        assert launch.seconds(made.card) == bound


def test_the_card(cuda_device):
    made = founding_model().plan(128, device="cuda")
    text = str(made)
    assert "2 launches" in text and made.card.name in text
    if hasattr(cuda_device, "emulator"):
        assert made.card is REFERENCE
        assert any(REFERENCE.name in note and "emulator" in note for note in made.notes)
    else:
        assert made.card is not REFERENCE and made.card.bandwidth > 1e11


def test_without_a_device(cuda_device):
    if not hasattr(cuda_device, "emulator"):
        pytest.skip("there is a GPU")
    cuda_device.emulator.configure(driver=0)
    made = founding_model().plan(128, device="cuda")
    assert [(x.name, x.grid) for x in made.launches] == [("mlp", None), ("update", None)]
    assert "no NVIDIA driver was found" in str(made) and "?" in str(made)


def test_a_device_that_is_not_there():
    with pytest.raises(ValueError, match="There is no device 'cuda:77'; here are cuda:0 "):
        founding_model().plan(128, device="cuda:77")


def test_a_second_card_that_is_too_old(cuda_device, monkeypatch):
    if not hasattr(cuda_device, "emulator"):
        pytest.skip("there is a GPU, which is what it is")
    found = cuda_device.survey()
    found["devices"][1].update(major=7, minor=5)
    monkeypatch.setattr(cuda_device, "survey", lambda: copy.deepcopy(found))
    with pytest.raises(RuntimeError, match='device="cuda:1" cannot be used: .* capability 7.5'):
        founding_model().plan(128, device="cuda:1")
    assert founding_model().plan(128, device="cuda:0").launches[0].grid


def test_what_is_planned_is_what_runs():
    x, y, order = pixels(300)
    made = founding()
    planned = [(n.name, n.grid, n.block) for n in made.plan(128, device="cuda").launches]
    train(made, x, y, order, steps=1)
    (program,) = made._programs.values()
    assert planned == [(name, grid, block) for _, name, grid, block, *_ in program.launches]


def test_predictions_and_notes():
    model = founding_model()
    assert "softmax" in str(model.plan(128, training=False, device="cuda"))
    wide = Sequential([Input((20,)), Dense(300, "relu"), Dense(3, "softmax")])
    wide.compile("sgd", "sparse_categorical_crossentropy")
    assert "no mlp join: 2 layers, at most 300 wide" in str(wide.plan(device="cuda"))
    assert not isinstance(wide.plan(), DevicePlan)
