"""What every test can rely on: no network, an empty cache, MNIST."""

from __future__ import annotations

import socket

import pytest

from tests.layout import (
    assert_barriers_are_enough,
    assert_chains_are_sound,
    assert_halves_are_sound,
    assert_layout_is_sound,
)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """A test that would reach for the network fails, at once and everywhere alike."""

    def refuse(self, address):
        raise OSError(f"tests have no network: connect to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch, tmp_path_factory):
    """Data files come from FASTNN_DATA or the package, never from what somebody downloaded."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(autouse=True)
def every_plan_is_sound(monkeypatch):
    """Every program planned for a model, in whatever test: no two live buffers share bytes, and
    threads meet wherever bytes cross."""
    from fastnn.training import step

    planned = step.plan

    def checked(*args, **kwargs):
        plan = planned(*args, **kwargs)
        assert_layout_is_sound(plan)
        assert_chains_are_sound(plan)
        assert_halves_are_sound(plan)
        assert_barriers_are_enough(plan)
        return plan

    monkeypatch.setattr(step, "plan", checked)


@pytest.fixture(scope="session")
def mnist_sample():
    """The packaged sample: ((10000, 28, 28), (10000,)), ((2000, 28, 28), (2000,)), all uint8."""
    from fastnn.datasets import mnist

    return mnist.load_data(sample=True)
