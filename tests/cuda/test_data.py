"""Data sets on the device: resident, streamed, and what Python sees of the model in between."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import fastnn
from fastnn.graph import away
from fastnn.keras import Sequential
from fastnn.keras.layers import Dense, Input
from fastnn.runtime import cuda_data, mirror

from .helpers import ORDERS


def small(device="cuda", seed=1):
    fastnn.utils.set_random_seed(3)
    model = Sequential([Input((6,)), Dense(9, "tanh"), Dense(3, "softmax")])
    return fastnn.Trainer(
        model, "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], device=device,
        seed=seed,
    )  # fmt: skip


def data(rows=100, dtype=np.float32):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(rows, 6)) * 50).astype(dtype)
    return x, rng.integers(0, 3, rows), rng.uniform(0.5, 2, rows).astype(np.float32)


def bits(trainer) -> tuple[bytes, ...]:
    p = trainer.parameters
    return p.params.buffer.tobytes(), p.slots.tobytes(), trainer._state.buffer.tobytes()


@pytest.fixture
def streamed(monkeypatch):
    """Nothing fits the device; a piece is two steps or so."""

    def switch(piece=1000):
        monkeypatch.setattr(cuda_data, "resident_limit", lambda device: 0)
        monkeypatch.setattr(cuda_data, "PIECE", piece)

    return switch


@pytest.mark.parametrize("seed", ORDERS)
def test_streamed_gives_the_bits_of_resident(cuda_device, streamed, seed):
    """Shuffled epochs with a short last batch, and an evaluation in order. On the emulator the two
    streams go on in a random order: what is copied too early, or read too early, is wrong."""
    if hasattr(cuda_device, "emulator"):
        cuda_device.emulator.configure(seed=seed)
    x, y, weights = data(dtype=[np.float32, np.uint8, np.float64][seed % 3])
    weights = weights if seed % 2 else None
    made = []
    for piece in (None, 1000, 1):  # resident; two steps; one
        if piece:
            streamed(piece)
        trainer = small()
        for _ in range(2):  # in runs of many steps: `fit` begins with single ones
            order = np.random.default_rng(5).permutation(100)
            trainer.hold()
            trainer.train_rows(x, y, weights, order, batch_size=16)
            trainer.release()
        trainer.test_rows(x, y, batch_size=16)
        made.append(bits(trainer))
    assert made[0] == made[1] == made[2]


def test_fit_streamed(streamed):
    x, y, _ = data()
    resident, other = small(), small()
    first = resident.fit(x, y, batch_size=16, epochs=3, verbose=0, validation_data=(x, y))
    streamed()
    second = other.fit(x, y, batch_size=16, epochs=3, verbose=0, validation_data=(x, y))
    assert first.history == second.history and bits(resident) == bits(other)


def test_pieces_are_sent_by_two_slots(streamed, monkeypatch):
    streamed()
    sent = []
    send = cuda_data.Pieces.send
    monkeypatch.setattr(
        cuda_data.Pieces, "send", lambda self, slot, *a: (sent.append(slot), send(self, slot, *a))
    )
    x, y, _ = data()
    small().train_rows(x, y, None, np.arange(100), batch_size=16, rows=96)
    assert sent == [0, 1, 0, 1, 0, 1][: len(sent)] and len(sent) >= 2


def test_faults_of_pieces(streamed):
    streamed()
    x, y, _ = data()
    y[70] = 3
    with pytest.raises(ValueError, match="Label 3 in row 6 of the minibatch at step 4 is out"):
        small().train_rows(x, y, None, np.arange(100), batch_size=16, rows=96)
    order = np.arange(100)
    order[33] = 100
    with pytest.raises(IndexError, match="Row 100 was asked for at step 2, but the data has 100"):
        small().train_rows(x, y % 3, None, order, batch_size=16, rows=96)


def test_a_data_set_is_copied_once_a_fit(monkeypatch):
    """For all programs: whole batches, and the short last one."""
    made = []
    init = cuda_data.Resident.__init__
    monkeypatch.setattr(
        cuda_data.Resident, "__init__", lambda self, *a: (made.append(a), init(self, *a))[1]
    )
    x, y, _ = data()
    trainer = small()
    trainer.fit(x, y, batch_size=16, epochs=4, verbose=0)
    assert len(made) == 2  # x, y
    x[:] = -x  # seen by the next fit, although it is the same memory
    trainer.fit(x, y, batch_size=16, epochs=1, verbose=0)
    assert len(made) == 4
    gc.collect()
    assert not cuda_data.Resident._made


def test_a_buffer_that_is_filled_again():
    """Outside of fit every run sees what the arrays hold now."""
    trainers = small(), small()
    x, y, _ = data(64)
    buffer = np.empty((16, 6), np.float32)
    for k in range(4):
        buffer[:] = x[16 * k : 16 * k + 16]
        trainers[0].step(buffer, y[16 * k : 16 * k + 16])
        trainers[1].step(x[16 * k : 16 * k + 16].copy(), y[16 * k : 16 * k + 16])
    assert bits(trainers[0]) == bits(trainers[1])


def test_memory_is_given_back(cuda_device, streamed):
    if not hasattr(cuda_device, "emulator"):
        pytest.skip("only the emulator counts allocations")
    x, y, _ = data()
    before = cuda_device.emulator.allocations()
    small().fit(x, y, batch_size=16, epochs=2, verbose=0)
    streamed()
    small().fit(x, y, batch_size=16, epochs=2, verbose=0)
    gc.collect()
    assert cuda_device.emulator.allocations() == before


# ---- two devices, and what Python reads and writes in between


@pytest.mark.usefixtures("second_device")
def test_the_second_device_gives_the_same_bits():
    x, y, _ = data()
    trainers = small("cuda:0"), small("cuda:1")
    for trainer in trainers:
        trainer.fit(x, y, batch_size=16, epochs=2, verbose=0)
    assert bits(trainers[0]) == bits(trainers[1])


def test_weights_between_runs(tmp_path):
    x, y, _ = data()
    history, on_cpu = [], []
    for device, log in (("cuda", history), ("cpu", on_cpu)):
        trainer = small(device)
        model = trainer.model
        trainer.fit(x, y, batch_size=16, epochs=1, verbose=0, shuffle=False)
        log.append(np.concatenate([w.ravel() for w in model.get_weights()]))
        model.set_weights([w * 0.5 for w in model.get_weights()])
        log.append(trainer.predict(x, verbose=0))
        trainer.fit(x, y, batch_size=16, epochs=1, verbose=0, shuffle=False)
        log.append(trainer.predict(x, verbose=0))
        model.save_weights(tmp_path / f"{device}.weights.safetensors")
        model.set_weights([w * 0 for w in model.get_weights()])
        assert np.ptp(trainer.predict(x, verbose=0)) == 0
        model.load_weights(tmp_path / f"{device}.weights.safetensors")
        log.append(trainer.predict(x, verbose=0))
        assert (log[-1] == log[-2]).all()
    for got, want in zip(history, on_cpu, strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)


def test_what_a_callback_sees():
    """The weights of each step, and what it makes of them."""
    x, y, _ = data(48)
    seen: dict[str, list] = {"cuda": [], "cpu": []}
    for device, log in seen.items():
        trainer = small(device)

        class Look(fastnn.keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None, log=log):
                kernel = self.model.layers[0].kernel
                log.append(kernel.numpy().copy())
                kernel.assign(kernel.numpy() * 0.9)

        trainer.fit(x, y, batch_size=16, epochs=2, verbose=0, shuffle=False, callbacks=[Look()])
    assert len(seen["cuda"]) == 6
    for got, want in zip(seen["cuda"], seen["cpu"], strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)
    assert np.abs(seen["cuda"][0] - seen["cuda"][-1]).max() > 0.05


def test_the_model_stays_on_the_device_while_a_fit_runs(monkeypatch):
    """It goes there once and comes back once, unless somebody looks."""
    traffic = []
    for name in ("go", "_fetch"):
        plain = getattr(mirror.Mirror, name)

        def noted(self, *args, name=name, plain=plain, **kwargs):
            if self.space != "state" and not (name == "go" and self._away):
                traffic.append((name, self.space))
            return plain(self, *args, **kwargs)

        monkeypatch.setattr(mirror.Mirror, name, noted)
    x, y, _ = data()
    trainer = small()
    trainer.fit(x, y, batch_size=16, epochs=4, verbose=0, validation_data=(x, y))
    once = {("go", "params"), ("go", "slots"), ("go", "grads"), ("_fetch", "params")}
    assert set(traffic) == once | {("_fetch", "slots"), ("_fetch", "grads")}
    # Slots come home once more, when the second program is planned.
    assert traffic.count(("go", "params")) == traffic.count(("_fetch", "params")) == 1
    assert traffic.count(("go", "slots")) <= 2
    assert not away.AWAY


def test_the_model_may_be_called_while_a_fit_runs():
    """Natively, on the host, with the weights of that moment."""
    x, y, _ = data(48)
    seen = {"cuda": [], "cpu": []}
    for device, log in seen.items():
        trainer = small(device)

        class Call(fastnn.keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None, log=log):
                log.append(np.array(self.model(x[:4])))

        trainer.fit(x, y, batch_size=16, epochs=2, verbose=0, shuffle=False, callbacks=[Call()])
    assert len(seen["cuda"]) == 6
    for got, want in zip(seen["cuda"], seen["cpu"], strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)
    assert np.abs(seen["cuda"][0] - seen["cuda"][-1]).max() > 1e-3


def test_a_fit_that_fails_brings_the_model_home():
    x, y, _ = data()
    trainer = small()

    class Stop(fastnn.keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    held = trainer.model.weights[0].value
    before = held.copy()
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(x, y, batch_size=16, epochs=4, verbose=0, callbacks=[Stop()])
    assert not away.AWAY and (trainer.model.weights[0].value != before).any()
