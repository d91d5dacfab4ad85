"""Weights in files: exact round trips, hostile and damaged files, crashes while writing."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import stat
import subprocess
import sys

import numpy as np
import pytest

from fastnn.saving import atomic, load_weights, safetensors, save_weights


def by_hand(entries, data=b"", pad=0) -> bytes:
    """A safetensors file, put together as the format says and not by the code under test."""
    header = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    header += b" " * pad
    return len(header).to_bytes(8, "little") + header + data


def tensor(dtype="F32", shape=(2, 3), offsets=(0, 24)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def arrays_of_every_dtype():
    rng = np.random.default_rng(7)
    arrays = {
        name: rng.integers(0, 2 if dtype.kind == "b" else 100, (3, 5)).astype(dtype)
        for name, dtype in safetensors.DTYPES.items()
    }
    arrays["scalar"] = np.float32(np.nan)
    arrays["empty"] = np.empty((0, 4), np.float64)
    arrays["umlaut/ß"] = np.float32([-0.0, np.inf, 1e-45])
    return arrays


def assert_same(came, expected):
    assert came.keys() == expected.keys()
    for name, array in expected.items():
        array = np.asarray(array)
        assert came[name].dtype == array.dtype and came[name].shape == array.shape
        assert came[name].tobytes() == array.tobytes()  # to the bit: NaN, -0.0, denormals


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.weights.safetensors"


# ---- the format


def test_round_trip(path):
    arrays = arrays_of_every_dtype()
    safetensors.write(path, arrays, {"who": "me"})
    came, metadata = safetensors.read(path)
    assert_same(came, arrays)
    assert metadata == {"who": "me"}
    assert all(a.flags.writeable and a.flags.c_contiguous for a in came.values())


def test_arrays_that_are_not_in_row_major_little_endian_order(path):
    square = np.arange(12.0).reshape(3, 4)
    safetensors.write(path, {"f": square.T, "s": square[::-1, ::2], "b": square.astype(">f4")})
    expected = {"f": square.T, "s": square[::-1, ::2], "b": square.astype("<f4")}
    assert_same(safetensors.read(path)[0], expected)


def test_file_is_laid_out_as_the_format_says(path):
    safetensors.write(path, {"a": np.uint8([1, 2, 3]), "b": np.float32([[1.5]])})
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    assert length % 8 == 0
    assert header["b"] == tensor("F32", [1, 1], [0, 4])  # wider elements first: they stay aligned
    assert header["a"] == tensor("U8", [3], [4, 7])
    assert raw[8 + length :] == np.float32([1.5]).tobytes() + b"\1\2\3"


def test_file_of_another_program(path):
    data = np.arange(6, dtype="<f4").tobytes() + np.int64([-1]).tobytes()
    table = {"w": tensor(), "__metadata__": {"format": "pt"}, "n": tensor("I64", [], [24, 32])}
    path.write_bytes(by_hand(table, data, pad=5))
    came, metadata = safetensors.read(path)
    assert_same(came, {"w": np.float32([[0, 1, 2], [3, 4, 5]]), "n": np.int64(-1)})
    assert metadata == {"format": "pt"}


def test_no_tensors(path):
    safetensors.write(path, {})
    assert safetensors.read(path) == ({}, {})


@pytest.mark.parametrize("dtype", [np.complex64, object, "U3", "M8[s]", np.longdouble])
def test_dtypes_that_cannot_be_written(dtype, path):
    with pytest.raises(TypeError, match="'z' has the dtype .* which safetensors cannot hold"):
        safetensors.write(path, {"z": np.zeros(2, dtype)})
    assert not path.exists()


def test_reserved_name(path):
    with pytest.raises(ValueError, match="__metadata__"):
        safetensors.write(path, {"__metadata__": np.zeros(2)})


W = tensor()
DATA = bytes(24)
BAD_FILES = {
    "empty": (b"", "0 bytes"),
    "shorter than its length": (b"\x08\0\0", "it has 3 bytes"),
    "header of 2**63": ((1 << 63).to_bytes(8, "little") + b"{}", "at most 100,000,000"),
    "header over the limit": ((100_000_001).to_bytes(8, "little") + b"{}", "at most 100,000,000"),
    "header longer than the file": ((3).to_bytes(8, "little") + b"{}", "claims 3 bytes, and 2"),
    "no header": (by_hand(b""), "does not begin"),
    "header is a list": (by_hand(b"[1]"), "does not begin"),
    "space before the header": (by_hand(b" {}"), "does not begin"),
    "header is no JSON": (by_hand(b"{'a': 1}"), "no good JSON"),
    "header is cut": (by_hand(b'{"a": '), "no good JSON"),
    "header goes on": (by_hand(b"{}{}"), "no good JSON"),
    "header is not UTF-8": (by_hand(b'{"\xff": 1}'), "no good JSON"),
    "NaN": (by_hand(b'{"a": NaN}'), "no good JSON: NaN"),
    "nested deeply": (by_hand(b'{"a":' * 100_000), "no good JSON"),
    "same name twice": (
        by_hand(b'{"w": %s, "w": %s}' % ((json.dumps(W).encode(),) * 2), DATA),
        "a name stands there twice",
    ),
    "same field twice": (by_hand(b'{"w": {"dtype": "F32", "dtype": "F32"}}'), "twice"),
    "metadata is a list": (by_hand({"__metadata__": ["a"]}), "__metadata__ does not map"),
    "metadata holds a number": (by_hand({"__metadata__": {"a": 1}}), "__metadata__ does not map"),
    "entry is a list": (by_hand({"w": [1]}), "'w' must have exactly"),
    "entry lacks a field": (by_hand({"w": {"dtype": "F32", "shape": []}}), "must have exactly"),
    "entry has a field more": (by_hand({"w": {**W, "x": 1}}, DATA), "must have exactly"),
    "unknown dtype": (by_hand({"w": tensor("F31")}, DATA), "has the dtype F31; known are BOOL"),
    "dtype we do not have": (by_hand({"w": tensor("BF16", [12])}, DATA), "has the dtype BF16"),
    "dtype is a number": (by_hand({"w": tensor(32)}, DATA), "has the dtype int"),
    "shape is a number": (by_hand({"w": {**W, "shape": 6}}, DATA), "no good shape"),
    "negative size": (by_hand({"w": tensor(shape=[-2, -3])}, DATA), "no good shape"),
    "size is a float": (by_hand({"w": tensor(shape=[2.0, 3])}, DATA), "no good shape"),
    "size is true": (by_hand({"w": tensor(shape=[True, 6])}, DATA), "no good shape"),
    "size beyond 63 bits": (by_hand({"w": tensor(shape=[0, 1 << 63], offsets=[0, 0])}), "shape"),
    "33 dimensions": (by_hand({"w": tensor(shape=[1] * 32 + [6])}, DATA), "at most 32 sizes"),
    "product wraps to 0": (
        by_hand({"w": tensor(shape=[1 << 32, 1 << 32], offsets=[0, 0])}),
        "more than 281,474,976,710,656 elements",
    ),
    "huge beside a 0": (
        by_hand({"w": tensor(shape=[0, 1 << 40, 1 << 40], offsets=[0, 0])}),
        "more than 281,474,976,710,656 elements",
    ),
    "more than the file": (by_hand({"w": tensor(shape=[10**9], offsets=[0, 4 * 10**9])}), "take"),
    "one offset": (by_hand({"w": tensor(offsets=[24])}, DATA), "no good data_offsets"),
    "three offsets": (by_hand({"w": tensor(offsets=[0, 24, 24])}, DATA), "no good data_offsets"),
    "negative offset": (by_hand({"w": tensor(offsets=[-24, 0])}, DATA), "no good data_offsets"),
    "offsets turned round": (by_hand({"w": tensor(offsets=[24, 0])}, DATA), "span -24"),
    "offsets do not fit the shape": (by_hand({"w": tensor(offsets=[0, 20])}, DATA), "takes 24"),
    "a hole at the start": (by_hand({"w": tensor(offsets=[4, 28])}, bytes(28)), "begins at byte 4"),
    "a hole": (by_hand({"v": W, "w": tensor(offsets=[28, 52])}, bytes(52)), "ends at 24"),
    "an overlap": (by_hand({"v": W, "w": tensor(offsets=[20, 44])}, bytes(44)), "ends at 24"),
    "the same bytes twice": (by_hand({"v": W, "w": W}, DATA), "ends at 24"),
    "empty inside another": (
        by_hand({"v": W, "w": tensor(shape=[0], offsets=[8, 8])}, DATA),
        "ends at 24",
    ),
    "data is cut": (by_hand({"w": W}, DATA[:-1]), "take 24 bytes, and 23 bytes of data follow"),
    "data goes on": (by_hand({"w": W}, DATA + b"x"), "take 24 bytes, and 25 bytes of data follow"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file(name, path):
    data, message = BAD_FILES[name]
    path.write_bytes(data)
    with pytest.raises(ValueError, match="is no good safetensors file: ") as caught:
        safetensors.read(path)
    assert message in str(caught.value) and str(path) in str(caught.value)
    assert len(str(caught.value)) < 600


def test_too_many_tensors(path, monkeypatch):
    monkeypatch.setattr(safetensors, "MAX_TENSORS", 3)
    table = {name: tensor(shape=[0], offsets=[0, 0]) for name in "abc"}
    path.write_bytes(by_hand(table))
    assert len(safetensors.read(path)[0]) == 3
    path.write_bytes(by_hand({**table, "d": table["a"]}))
    with pytest.raises(ValueError, match="4 tensors; at most 3"):
        safetensors.read(path)


def test_truncated_at_every_byte(path):
    safetensors.write(path, {"w": np.arange(6.0), "b": np.arange(3, dtype=np.uint8)})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="no good safetensors file"):
            safetensors.read(path)


def test_every_flipped_bit_is_found(path):
    """The one exception is the checksum's own key: then there is none, and the data are intact."""
    arrays = {"w": np.float32([1, 2]), "b": np.int16([[3]])}
    safetensors.write(path, arrays, {"k": "v"})
    whole = path.read_bytes()
    key = whole.index(safetensors.CHECKSUM.encode())
    for place in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            try:
                came, _ = safetensors.read(path)
            except ValueError:
                continue
            assert key <= place < key + len(safetensors.CHECKSUM)
            assert_same(came, arrays)


def test_swapped_names_are_found(path):
    """The checksum covers the header: here every entry is valid, and each has the other's data."""
    safetensors.write(path, {"v": np.zeros(3), "w": np.ones(3)})
    whole = path.read_bytes()
    swapped = whole.replace(b'"v":', b'"?":').replace(b'"w":', b'"v":').replace(b'"?":', b'"w":')
    assert swapped != whole
    path.write_bytes(swapped)
    with pytest.raises(ValueError, match="SHA-256 .* damaged or edited"):
        safetensors.read(path)


def test_file_that_shrinks_while_it_is_read(path, monkeypatch):
    safetensors.write(path, {"w": np.arange(100_000.0)})
    real = safetensors.parse_header

    def parse_and_cut(*args):
        os.truncate(path, path.stat().st_size - 400_000)
        return real(*args)

    monkeypatch.setattr(safetensors, "parse_header", parse_and_cut)
    with pytest.raises(ValueError, match="it ended within 'w' while it was read"):
        safetensors.read(path)


def test_fuzz(path):
    """Random damage gives an error or arrays that fit the file; nothing else, and no crash."""
    rng = random.Random(20)
    table = {"__metadata__": {"k": "v"}, "v": tensor(), "w": tensor("U8", [3], [24, 27])}
    seeds = [by_hand(table, bytes(27)), by_hand(table, bytes(27), pad=9), by_hand({}, b"")]
    pieces = [
        b"0",
        b"-1",
        b"1e9",
        b"[]",
        b"{}",
        b'"',
        b",",
        b"null",
        b"9" * 30,
        b"\\ud800",
        b"\xff",
    ]
    accepted = 0
    for _ in range(4000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(data) + 1)
            action = rng.randrange(4)
            if action == 0 and place < len(data):
                data[place] = rng.randrange(256)
            elif action == 1:
                data[place : place + rng.randrange(9)] = rng.choice(pieces)
            elif action == 2:
                del data[place : place + rng.randrange(9)]
            else:
                length = max(0, len(data) - 8 - rng.choice([0, 27, rng.randrange(40)]))
                data[:8] = length.to_bytes(8, "little")
        path.write_bytes(data)
        try:
            arrays, _ = safetensors.read(path)
        except ValueError as error:
            assert str(path) in str(error)
            continue
        accepted += 1
        length = int.from_bytes(data[:8], "little")
        assert sum(a.nbytes for a in arrays.values()) == len(data) - 8 - length
    assert accepted > 50  # else the damage is too coarse to try what lies behind the first checks


# ---- writing whole or not at all


def write_bytes(path, *pieces):
    with atomic.replacing(path) as append:
        for piece in pieces:
            append(piece)


def test_short_writes_are_continued(path, monkeypatch):
    real, counts = os.write, []

    def a_few(file, data):
        counts.append(len(data))
        return real(file, data[: max(1, len(data) // 2)])

    monkeypatch.setattr(os, "write", a_few)
    write_bytes(path, b"0123456789", b"abc")
    assert path.read_bytes() == b"0123456789abc"
    assert counts == [10, 5, 3, 2, 1, 3, 2, 1]


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize("exists", [True, False])
def test_disk_full(call, exists, path, monkeypatch):
    if exists:
        path.write_bytes(b"old")
    before = os.listdir(path.parent)

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        safetensors.write(path, {"w": np.zeros(5)})
    assert os.listdir(path.parent) == before
    assert not exists or path.read_bytes() == b"old"


def test_disk_full_after_some_bytes(path, monkeypatch):
    path.write_bytes(b"old")
    real, room = os.write, [100]

    def until_full(file, data):
        if room[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = real(file, data[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr(os, "write", until_full)
    with pytest.raises(OSError, match="No space left"):
        safetensors.write(path, {"w": np.zeros(500)})
    assert path.read_bytes() == b"old" and os.listdir(path.parent) == [path.name]


def test_an_interrupt_leaves_the_old_file(path):
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        with atomic.replacing(path) as append:
            append(b"new")
            raise KeyboardInterrupt
    assert path.read_bytes() == b"old" and os.listdir(path.parent) == [path.name]


def test_order_of_the_system_calls(path, monkeypatch):
    """fsync before the rename (else an empty file may survive), the folder's fsync after it."""
    calls = []
    for name in ("write", "fsync", "replace"):
        real = getattr(os, name)

        def note(*args, name=name, real=real):
            folder = name == "fsync" and stat.S_ISDIR(os.fstat(args[0]).st_mode)
            calls.append("fsync folder" if folder else name)
            return real(*args)

        monkeypatch.setattr(os, name, note)
    write_bytes(path, b"a", b"b")
    assert calls == ["write", "write", "fsync", "replace", "fsync folder"]


def test_mode_and_links_are_kept(tmp_path):
    target, link = tmp_path / "real", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_bytes(link, b"new")
    assert link.is_symlink() and target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_bytes(tmp_path / "no" / "file", b"x")


KILLED = """
import os, signal, sys
import numpy as np
from fastnn.saving import safetensors

path, kill_at, after = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "after"
calls = 0

def deadly(real):
    def call(*args):
        global calls
        calls += 1
        if calls == kill_at and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args)
        if calls == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call

for name in ("open", "write", "fsync", "close", "replace"):
    setattr(os, name, deadly(getattr(os, name)))
safetensors.write(path, {"w": np.full(1000, 2.0), "b": np.full(10, 2.0)})
"""


@pytest.mark.parametrize("after", ["before", "after"])
def test_killed_at_every_system_call(after, path):
    """The file is the old one or the new one, whole, at whatever call the process is killed."""
    found = []
    for kill_at in range(1, 50):
        safetensors.write(path, {"w": np.full(1000, 1.0), "b": np.full(10, 1.0)})
        command = [sys.executable, "-c", KILLED, str(path), str(kill_at), after]
        code = subprocess.run(command).returncode
        arrays, _ = safetensors.read(path)
        values = {float(v) for a in arrays.values() for v in a}
        assert len(arrays) == 2 and len(values) == 1
        found.append(values.pop())
        if code == 0:
            break
        assert code == -signal.SIGKILL
    # open, three writes, fsync, close, rename; then the folder's open, fsync, close; then no kill.
    assert len(found) == 11
    renamed = found.index(2.0)
    assert renamed == (7 if after == "before" else 6)
    assert found == [1.0] * renamed + [2.0] * (11 - renamed)


# ---- a model's weights


class Variable:
    def __init__(self, path, value):
        self.path, self.value = path, np.asarray(value)
        self.shape, self.dtype = self.value.shape, self.value.dtype

    def numpy(self):
        return self.value

    def assign(self, value):
        assert value.dtype == self.dtype and value.shape == self.shape
        self.value = value


class Model:
    layers = ()

    def __init__(self, **values):
        self.weights = [Variable(name, value) for name, value in values.items()]

    def values(self):
        return {v.path: v.value for v in self.weights}


def trained():
    rng = np.random.default_rng(3)
    return Model(kernel=rng.normal(size=(4, 3)).astype(np.float32), bias=np.zeros(3, np.float32))


def test_weights_round_trip(path):
    model, other = trained(), Model(bias=np.ones(3, "f4"), kernel=np.ones((4, 3), "f4"))
    save_weights(model, path)
    load_weights(other, str(path))
    assert_same(other.values(), model.values())


def test_weights_of_another_width_are_converted(path):
    exact = np.float64([[0.5, -2.0]])
    safetensors.write(path, {"kernel": exact})
    model = Model(kernel=np.zeros((1, 2), np.float32))
    load_weights(model, path)
    assert_same(model.values(), {"kernel": np.float32([[0.5, -2.0]])})


def test_weights_that_do_not_fit_are_all_named_and_none_is_set(path):
    save_weights(Model(a=np.zeros(2), b=np.zeros((2, 3)), c=np.zeros(1, "i4"), d=np.zeros(1)), path)
    model = Model(a=np.ones(2), b=np.ones((3, 2)), c=np.ones(1), e=np.ones(1))
    with pytest.raises(ValueError) as caught:
        load_weights(model, path)
    message = str(caught.value)
    assert "'b' is (3, 2) in the model, (2, 3) in the file" in message
    assert "'c' is float64 in the model, int32 in the file" in message
    assert "'d' is in the file only" in message and "'e' is in the model only" in message
    assert "'a'" not in message
    assert all((v.value == 1).all() for v in model.weights)


def test_integers_are_not_converted(path):
    save_weights(Model(seed=np.int64([1 << 40])), path)
    with pytest.raises(ValueError, match="'seed' is int32 in the model, int64 in the file"):
        load_weights(Model(seed=np.int32([0])), path)


def test_two_weights_with_one_name(path):
    model = Model(a=np.zeros(2))
    model.weights *= 2
    with pytest.raises(ValueError, match="two weights .* are called 'a'.*different names"):
        save_weights(model, path)


def network(**last):
    from fastnn.keras import Sequential
    from fastnn.keras.layers import Dense, Input

    hidden = Dense(4, activation="relu"), Dense(3, name="dense_700"), Dense(3, name="middle_2")
    return Sequential([Input((5,)), *hidden, Dense(2, **last)])


def test_a_model_built_again_in_the_same_process(path):
    """Its automatic names go on counting: dense_2, dense_3. The file does not know."""
    model = network()
    model.save_weights(path)
    layers = ["dense", "dense_1", "middle_2", "dense_2"]
    expected = {f"{layer}/{name}" for layer in layers for name in ("kernel", "bias")}
    assert safetensors.read(path)[0].keys() == expected
    again = network()
    x = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    assert not np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    again.load_weights(path)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_names_that_the_user_gave_are_kept(path):
    network(name="head").save_weights(path)
    assert "head/kernel" in safetensors.read(path)[0]
    with pytest.raises(
        ValueError, match="'dense_2/bias' is in the model only(.|\n)*'head/kernel' is"
    ):
        network().load_weights(path)


@pytest.mark.parametrize("name", ["m.weights.h5", "m.npz", "m", "m.safetensors.bak"])
def test_suffix(name, tmp_path):
    with pytest.raises(ValueError, match="must end in '.safetensors'"):
        save_weights(trained(), tmp_path / name)
    with pytest.raises(ValueError, match="must end in '.safetensors'"):
        load_weights(trained(), tmp_path / name)


def test_missing_file(path):
    with pytest.raises(FileNotFoundError):
        load_weights(trained(), path)
