"""What every test can rely on: no network, an empty cache, MNIST."""

from __future__ import annotations

import socket

import pytest


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


@pytest.fixture(scope="session")
def mnist_sample():
    """The packaged sample: ((10000, 28, 28), (10000,)), ((2000, 28, 28), (2000,)), all uint8."""
    from fastnn.datasets import mnist

    return mnist.load_data(sample=True)
