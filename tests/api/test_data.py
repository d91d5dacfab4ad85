"""Data: what becomes of arrays, and which rows come when."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fastnn.keras import Input, Sequential, losses
from fastnn.keras.layers import Dense, Flatten
from fastnn.keras.utils import PyDataset
from fastnn.training.data import as_array, as_arrays, make_feed, split_validation


def trainer(outputs=3, loss="sparse_categorical_crossentropy", features=2, seed=7, step=0):
    """What data needs to know of a trainer; no engine runs here."""
    return SimpleNamespace(
        model=Sequential([Input((features,)), Dense(outputs)]),
        loss=losses.resolve(loss),
        seed=seed,
        optimizer=SimpleNamespace(iterations=step),
    )


def rows_of(feed, at_once=1) -> list[list[int]]:
    """The first column of x, batch by batch: the rows that one epoch visits."""
    assert feed.ready()
    batches = []
    for c in feed.chunks(lambda: at_once):
        rows = np.arange(len(c.x)) if c.order is None else c.order
        assert 0 < c.rows <= len(rows) - c.first_row
        for first in range(c.first_row, c.first_row + c.rows, c.batch_size):
            last = min(first + c.batch_size, c.first_row + c.rows)
            batches.append(c.x[rows[first:last], 0].astype(int).tolist())
    return batches


def numbered(n):
    """x whose first column is the number of the row, and labels."""
    return np.stack([np.arange(n), np.zeros(n)], 1).astype(np.float32), np.zeros(n, int)


# ---- arrays


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32", "float64"])
def test_what_the_kernels_read_is_not_copied(dtype):
    a = np.zeros((3, 2), dtype)
    assert as_array(a, "x") is a


@pytest.mark.parametrize(
    ("came", "becomes"),
    [
        ("bool", "uint8"),
        ("int8", "int32"),
        ("int16", "int32"),
        ("uint16", "int32"),
        ("uint32", "int64"),
        ("uint64", "float64"),
        ("float16", "float32"),
        ("longdouble", "float64"),
        (">f4", "float32"),
        (">i2", "int32"),
    ],
)
def test_other_numbers_become_a_type_that_holds_them(came, becomes):
    a = np.array([[0, 1], [1, 1]], came)
    got = as_array(a, "x")
    assert got.dtype == becomes and got.dtype.isnative
    np.testing.assert_array_equal(got, a)


def test_the_widest_values_survive():
    for dtype in ("int8", "int16", "uint16", "uint32"):
        info = np.iinfo(dtype)
        assert as_array(np.array([info.min, info.max], dtype), "x").tolist() == [info.min, info.max]


def test_arrays_in_any_layout_and_lists():
    a = np.arange(12.0).reshape(3, 4)
    for given in (a[:, ::2], a.T, a[::-1]):
        got = as_array(given, "x")
        assert got.flags.c_contiguous
        np.testing.assert_array_equal(got, given)
    assert as_array([[1, 2], [3, 4]], "x").dtype == np.int64
    assert as_array(range(3), "x").tolist() == [0, 1, 2]
    assert as_array((np.float32(1), 2), "x").shape == (2,)


def test_a_memmap_is_not_loaded(tmp_path):
    on_disk = np.memmap(tmp_path / "x", np.uint8, "w+", shape=(50, 4))
    assert np.shares_memory(as_array(on_disk, "x"), on_disk)
    feed = make_feed(trainer(features=4), on_disk, np.zeros(50, int), batch_size=8, shuffle=True)
    assert np.shares_memory(feed.arrays[0], on_disk)
    (first, *_), (second, *_) = split_validation((on_disk, None), 0.2)
    assert np.shares_memory(first, on_disk) and np.shares_memory(second, on_disk)
    assert (len(first), len(second)) == (40, 10)


class Frame:
    """Something like a pandas DataFrame: an array by protocol, indexed by column names."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)

    def __getitem__(self, name):
        raise KeyError(name)

    def __len__(self):
        return len(self.values)


def test_array_protocol():
    x, y = numbered(5)
    feed = make_feed(trainer(), Frame(x), Frame(y), batch_size=2)
    assert rows_of(feed) == [[0, 1], [2, 3], [4]]


# ---- targets and weights


def test_targets_of_n_and_n_by_1():
    x, labels = numbered(4)
    for y in (labels, labels[:, None]):
        assert as_arrays(trainer(), x, y)[1].shape == (4,)
        assert as_arrays(trainer(1, "mse"), x, y)[1].shape == (4, 1)
    # A column of class numbers stays one, where the rows are positions of a sequence.
    t = trainer()
    t.model = Sequential([Input((5, 2)), Dense(3)])
    for shape in ((4, 5), (4, 5, 1)):
        assert as_arrays(t, np.zeros((4, 5, 2)), np.zeros(shape))[1].shape == (4, 5)


def test_whole_numbers_in_floats_are_labels():
    x, _ = numbered(3)
    assert as_arrays(trainer(), x, [0.0, 1.0, 2.0])[1].tolist() == [0, 1, 2]


def test_ignored_class_is_not_out_of_range():
    x, _ = numbered(3)
    t = trainer(loss=losses.SparseCategoricalCrossentropy(ignore_class=-1))
    as_arrays(t, x, [0, -1, 2])
    with pytest.raises(ValueError, match=r"Label 3 at y\[2\]"):
        as_arrays(t, x, [0, -1, 3])


def test_sample_weights():
    x, y = numbered(3)
    for w in ([1, 2, 3], [[1], [2], [3]], np.array([1.0, 2.0, 3.0])):
        got = as_arrays(trainer(), x, y, w)[2]
        assert got.dtype == np.float32 and got.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("loss", "outputs", "y"),
    [
        ("sparse_categorical_crossentropy", 3, np.array([2, 0, 1, 2])),
        ("sparse_categorical_crossentropy", 3, np.array([[2], [0], [1], [2]])),
        ("categorical_crossentropy", 3, np.eye(3)[[2, 0, 1, 2]]),
    ],
)
def test_class_weights(loss, outputs, y):
    x, _ = numbered(4)
    got = as_arrays(trainer(outputs, loss), x, y, class_weight={0: 5, 2: 0.5})[2]
    assert got.dtype == np.float32 and got.tolist() == [0.5, 5, 1, 0.5]


def test_class_weights_of_two_classes_with_one_output():
    x, _ = numbered(3)
    got = as_arrays(trainer(1, "binary_crossentropy"), x, [0, 1, 1], class_weight={1: 3})[2]
    assert got.tolist() == [1, 3, 3]


# ---- which rows come when: arrays


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_rows_in_order_with_a_short_last_batch(at_once):
    feed = make_feed(trainer(), *numbered(7), batch_size=3)
    assert feed.steps == 3
    assert rows_of(feed, at_once) == [[0, 1, 2], [3, 4, 5], [6]]
    assert rows_of(feed, at_once) == [[0, 1, 2], [3, 4, 5], [6]]


def test_a_batch_is_never_longer_than_the_data():
    for batch_size in (None, 7, 1000):
        feed = make_feed(trainer(), *numbered(7), batch_size=batch_size)
        assert feed.batch_size == 7 and rows_of(feed) == [list(range(7))]


def test_shuffling_visits_each_row_once_and_follows_from_seed_and_step():
    def epoch(seed=7, step=0):
        feed = make_feed(trainer(seed=seed, step=step), *numbered(100), batch_size=9, shuffle=True)
        return sum(rows_of(feed), [])

    assert sorted(epoch()) == list(range(100)) and epoch() != list(range(100))
    assert epoch() == epoch()
    orders = [epoch(7, 0), epoch(8, 0), epoch(7, 12), epoch(2**64 - 1, 2**40)]
    assert len({tuple(o) for o in orders}) == 4


def test_a_new_order_for_each_epoch():
    t = trainer()
    feed = make_feed(t, *numbered(100), batch_size=10, shuffle=True)
    first = rows_of(feed)
    t.optimizer.iterations += 10
    assert rows_of(feed) != first


def test_shuffling_is_fair():
    """Each row's place, over 2,000 orders of 8 rows: 250 times in each place on average, with a
    standard deviation of 14.8; 6 of them are allowed to each of the 64 counts."""
    counts = np.zeros((8, 8))
    for step in range(2000):
        feed = make_feed(trainer(step=step), *numbered(8), batch_size=8, shuffle=True)
        counts[np.arange(8), rows_of(feed)[0]] += 1
    assert np.abs(counts - 250).max() < 6 * 14.8


def test_shuffling_whole_batches():
    feed = make_feed(trainer(), *numbered(23), batch_size=4, shuffle="batch")
    batches = rows_of(feed, at_once=100)
    assert batches[-1] == [20, 21, 22]  # the short one stays the last
    assert sorted(b[0] for b in batches) == list(range(0, 23, 4))
    assert all(b == list(range(b[0], b[0] + len(b))) for b in batches)
    assert batches != sorted(batches)


def test_fewer_steps_go_on_where_the_last_epoch_ended():
    feed = make_feed(trainer(), *numbered(10), batch_size=2, steps=2)
    epochs = [rows_of(feed, 5) for _ in range(2)]
    assert epochs == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]
    with pytest.warns(UserWarning, match="after 1 of 2 steps"):
        assert rows_of(feed, 5) == [[8, 9]]
    assert rows_of(feed, 5) == [[0, 1], [2, 3]]
    feed.rewind()
    assert rows_of(feed, 5) == [[0, 1], [2, 3]]


def test_more_steps_than_data():
    feed = make_feed(trainer(), *numbered(4), batch_size=2, steps=3)
    with pytest.warns(UserWarning, match="after 2 of 3 steps"):
        assert rows_of(feed) == [[0, 1], [2, 3]]


# ---- which rows come when: batches


class Numbered(PyDataset):
    """Five batches of two rows; counts what is called."""

    def __init__(self):
        super().__init__()
        self.events = []

    def __len__(self):
        return 5

    def __getitem__(self, i):
        x, y = numbered(10)
        return x[2 * i : 2 * i + 2], y[2 * i : 2 * i + 2]

    def on_epoch_begin(self):
        self.events.append("begin")

    def on_epoch_end(self):
        self.events.append("end")


ALL = [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


def test_numbered_batches():
    data = Numbered()
    feed = make_feed(trainer(), data)
    assert feed.steps == 5
    assert rows_of(feed) == ALL and data.events == ["begin", "end"]
    assert rows_of(feed) == ALL and data.events == ["begin", "end"] * 2


def test_numbered_batches_shuffled():
    t = trainer()
    feed = make_feed(t, Numbered(), shuffle=True)
    first = rows_of(feed)
    assert sorted(first) == ALL != first
    t.optimizer.iterations += 5
    assert sorted(rows_of(feed)) == ALL


def test_numbered_batches_in_shorter_epochs():
    data = Numbered()
    feed = make_feed(trainer(), data, steps=3)
    assert rows_of(feed) == ALL[:3]
    with pytest.warns(UserWarning, match="after 2 of 3 steps"):
        assert rows_of(feed) == ALL[3:]
    assert rows_of(feed) == ALL[:3]
    assert data.events == ["begin", "end", "begin"]


def test_an_epoch_that_ends_with_the_pass_starts_a_new_one():
    feed = make_feed(trainer(), Numbered(), steps=5)
    assert rows_of(feed) == ALL and rows_of(feed) == ALL


def test_numbered_batches_without_end():
    class Endless:
        def __getitem__(self, i):
            return np.full((1, 2), i), np.zeros(1)

    feed = make_feed(trainer(), Endless(), steps=3)
    assert rows_of(feed) == [[0], [1], [2]] and rows_of(feed) == [[3], [4], [5]]


def test_a_list_like_object_without_a_base_class():
    class Plain:
        num_batches = 5
        __getitem__ = Numbered.__getitem__

    assert rows_of(make_feed(trainer(), Plain())) == ALL


def test_iterables_are_iterated_over_anew():
    class Loader:
        def __iter__(self):
            return (Numbered()[i] for i in range(5))

    feed = make_feed(trainer(), Loader())
    assert feed.steps is None
    assert rows_of(feed) == ALL and feed.steps == 5
    assert rows_of(feed) == ALL


def test_generators_go_on():
    feed = make_feed(trainer(), (Numbered()[i] for i in range(5)), steps=2)
    assert rows_of(feed) == ALL[:2] and rows_of(feed) == ALL[2:4]
    with pytest.warns(UserWarning, match="after 1 of 2 steps"):
        assert rows_of(feed) == ALL[4:]
    assert not feed.ready()


def test_looking_ahead_loses_nothing():
    feed = make_feed(trainer(), (Numbered()[i] for i in range(5)))
    assert feed.ready() and feed.ready()
    assert rows_of(feed) == ALL


def test_parts_of_a_batch():
    x, y = numbered(4)
    w = np.array([1, 2, 3, 4])
    for batch, weights in [((x, y), None), ([x, y], None), ((x, y, w), [1, 2, 3, 4])]:
        feed = make_feed(trainer(), iter([batch]))
        assert feed.ready()
        (chunk,) = feed.chunks(lambda: 1)
        assert chunk.y.shape == (4,) and chunk.batch_size == chunk.rows == 4
        assert (chunk.sample_weight is None) == (weights is None)
    for batch in (x, (x,), (x, None), (x, "not looked at")):
        feed = make_feed(trainer(), iter([batch]), predict=True)
        assert rows_of(feed) == [[0, 1, 2, 3]]


def test_class_weights_of_batches():
    x, _ = numbered(3)
    feed = make_feed(trainer(), iter([(x, [0, 1, 1])]), class_weight={1: 4})
    assert feed.ready()
    assert next(feed.chunks(lambda: 1)).sample_weight.tolist() == [1, 4, 4]


def test_the_first_batch_builds_the_model():
    t = trainer()
    t.model = Sequential([Flatten(), Dense(3)])
    feed = make_feed(t, iter([(np.zeros((4, 2, 5)), np.zeros(4))]))
    assert not t.model.built
    assert feed.ready() and t.model.input_shape == (None, 2, 5)
