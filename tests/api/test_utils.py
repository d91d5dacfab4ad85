"""Labels, names, data sets of the user's own, and the namespace under Keras' names."""

from __future__ import annotations

import importlib
import pkgutil
import random

import numpy as np
import pytest

import fastnn.keras
from fastnn import utils
from fastnn.utils.naming import snake_case


def test_to_categorical():
    got = utils.to_categorical([0, 2, 1, 2])
    np.testing.assert_array_equal(got, np.eye(3, dtype=np.float32)[[0, 2, 1, 2]])
    assert got.dtype == np.float32
    np.testing.assert_array_equal(utils.to_categorical([[0], [2]], 4), np.eye(4)[[0, 2]])
    assert utils.to_categorical(np.zeros((2, 3), np.uint8), 2).shape == (2, 3, 2)
    assert utils.to_categorical([]).shape == (0, 0)
    for labels in ([3], [-1]):
        with pytest.raises(ValueError, match=str(labels[0])):
            utils.to_categorical(labels, num_classes=3)


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Dense", "dense"),
        ("LeakyReLU", "leaky_re_lu"),
        ("ReLU", "re_lu"),
        ("ELU", "elu"),
        ("KLDivergence", "kl_divergence"),
        ("SparseTopKCategoricalAccuracy", "sparse_top_k_categorical_accuracy"),
        ("RMSprop", "rm_sprop"),
        ("AdamW", "adam_w"),
        ("L1L2", "l1l2"),
    ],
)
def test_snake_case(name, snake):
    assert snake_case(name) == snake


def test_set_random_seed_reaches_pythons_and_numpys_generators():
    utils.set_random_seed(11)
    first = (random.random(), np.random.rand(), utils.next_seed())
    utils.set_random_seed(11)
    assert first == (random.random(), np.random.rand(), utils.next_seed())


def test_without_a_seed_every_process_is_its_own(monkeypatch):
    from fastnn.utils import seeds

    drawn = set()
    for _ in range(3):
        monkeypatch.setattr(seeds, "_base", None)
        monkeypatch.setattr(seeds, "_drawn", 0)
        drawn.add(utils.next_seed())
    assert len(drawn) == 3


def test_py_dataset():
    class Batches(utils.Sequence):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return np.full((2, 1), i), np.zeros(2)

    data = Batches(workers=2)
    assert data.num_batches == 4 and utils.Sequence is utils.PyDataset
    data.on_epoch_begin()
    data.on_epoch_end()

    class Endless(utils.PyDataset):
        pass

    assert Endless().num_batches is None
    with pytest.raises(NotImplementedError, match="Endless"):
        Endless()[0]


def test_every_module_under_keras_name_can_be_imported():
    found = [m.name for m in pkgutil.walk_packages(fastnn.keras.__path__, "fastnn.keras.")]
    assert "fastnn.keras.optimizers.schedules" in found and "fastnn.keras.datasets.mnist" in found
    for name in found:
        module = importlib.import_module(name)
        assert [n for n in vars(module) if not n.startswith("_")], f"{name} is empty"


def test_the_names_that_ported_programs_use():
    from fastnn.keras import Input, Sequential
    from fastnn.keras.backend import clear_session
    from fastnn.keras.callbacks import EarlyStopping
    from fastnn.keras.datasets import mnist
    from fastnn.keras.datasets.mnist import load_data
    from fastnn.keras.initializers import glorot_uniform
    from fastnn.keras.layers import Activation, Dense, Dropout, Flatten
    from fastnn.keras.optimizers.schedules import ExponentialDecay
    from fastnn.keras.regularizers import l2
    from fastnn.keras.utils import to_categorical

    names = (
        Activation,
        Dense,
        Dropout,
        EarlyStopping,
        ExponentialDecay,
        Flatten,
        Input,
        Sequential,
    )
    assert all(map(callable, (*names, clear_session, glorot_uniform, l2, load_data)))
    assert mnist.load_data is load_data and to_categorical is utils.to_categorical
