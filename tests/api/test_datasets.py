"""Data sets: found, checked, downloaded, or replaced by the sample; all without a network."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import os
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from fastnn.datasets import _cache, fashion_mnist, mnist

DATA = os.environ.get("FASTNN_DATA")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FASTNN_DATA", raising=False)


class Web:
    """Stands in for the network: `pages` is what can be had, `asked` what was asked for."""

    def __init__(self):
        self.pages, self.asked = {}, []

    def __call__(self, url, timeout):
        assert timeout <= 30
        self.asked.append(url)
        return io.BytesIO(self.pages[url])


@pytest.fixture
def web(monkeypatch):
    web = Web()
    monkeypatch.setattr(urllib.request, "urlopen", web)
    return web


def small_set(count=5):
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (count, 28, 28), np.uint8),
        "y_train": rng.integers(0, 10, count, np.uint8),
        "x_test": rng.integers(0, 256, (count - 2, 28, 28), np.uint8),
        "y_test": rng.integers(0, 10, count - 2, np.uint8),
    }


def npz(arrays) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def sha256(data) -> str:
    return hashlib.sha256(data).hexdigest()


def same(loaded, arrays):
    (x_train, y_train), (x_test, y_test) = loaded
    np.testing.assert_array_equal(x_train, arrays["x_train"])
    np.testing.assert_array_equal(y_train, arrays["y_train"])
    np.testing.assert_array_equal(x_test, arrays["x_test"])
    np.testing.assert_array_equal(y_test, arrays["y_test"])


# ---- MNIST


@pytest.fixture
def tiny(monkeypatch, web):
    """A set of a few images that mnist.py believes to be the full MNIST, here and in the web."""
    arrays = small_set()
    monkeypatch.setattr(mnist, "_FULL", {k: (v.shape, sha256(v)) for k, v in arrays.items()})
    web.pages[mnist.URL] = npz(arrays)
    monkeypatch.setattr(mnist, "URL_SHA256", sha256(web.pages[mnist.URL]))
    return arrays


def test_sample():
    (x_train, y_train), (x_test, y_test) = mnist.load_data(sample=True)
    assert x_train.shape == (10000, 28, 28) and y_train.shape == (10000,)
    assert x_test.shape == (2000, 28, 28) and y_test.shape == (2000,)
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert np.bincount(y_train).tolist() == [941, 1132, 1032, 1022, 958, 925, 997, 1026, 978, 989]
    assert np.bincount(y_test).tolist() == [189, 222, 212, 242, 196, 186, 158, 215, 193, 187]
    assert "Share Alike 3.0" in mnist.SAMPLE.with_suffix(".LICENSE").read_text()


@pytest.mark.skipif(DATA is None, reason="needs the full MNIST: FASTNN_DATA is not set")
def test_full_set_and_the_sample_as_a_part_of_it(monkeypatch):
    monkeypatch.setenv("FASTNN_DATA", DATA)
    full = mnist.load_data()
    assert full[0][0].shape == (60000, 28, 28) and full[1][1].shape == (10000,)
    same(
        mnist.load_data(sample=True),
        {
            "x_train": full[0][0][::6],
            "y_train": full[0][1][::6],
            "x_test": full[1][0][::5],
            "y_test": full[1][1][::5],
        },
    )


def test_cache_comes_before_the_data_folder_and_the_network(tiny, web, monkeypatch, tmp_path):
    put(tmp_path / "cache/fastnn/mnist.npz", npz(tiny))
    put(tmp_path / "data/mnist.npz", b"not looked at")
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path / "data"))
    same(mnist.load_data(), tiny)
    assert web.asked == []


def test_data_folder_is_checked_by_content_not_by_the_files_hash(tiny, web, monkeypatch, tmp_path):
    packed = io.BytesIO()
    np.savez(packed, **tiny)  # not compressed: other bytes than the file in the web
    put(tmp_path / "data/mnist.npz", packed.getvalue())
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path / "data"))
    same(mnist.load_data(), tiny)
    assert web.asked == []


def test_absolute_path_and_other_name(tiny, web, tmp_path):
    same(mnist.load_data(str(put(tmp_path / "mine.npz", npz(tiny)))), tiny)
    put(tmp_path / "cache/fastnn/digits.npz", npz(tiny))
    same(mnist.load_data("digits.npz"), tiny)
    assert web.asked == []


def test_download_goes_into_the_cache_once(tiny, web, tmp_path):
    same(mnist.load_data(), tiny)
    same(mnist.load_data(), tiny)
    assert web.asked == [mnist.URL]
    assert [p.name for p in (tmp_path / "cache/fastnn").iterdir()] == ["mnist.npz"]


def test_no_network_gives_the_sample_and_says_so(tmp_path):
    """Here nothing stands in for the network: conftest's refusal is what a machine offline does."""
    with pytest.warns(UserWarning, match="10,000 training and 2,000 test images instead of"):
        (x_train, _), _ = mnist.load_data()
    assert len(x_train) == 10000
    assert list((tmp_path / "cache/fastnn").iterdir()) == []


@pytest.mark.parametrize("why", ["other bytes", "cut off"])
def test_wrong_download_is_not_kept(why, tiny, web, tmp_path, monkeypatch):
    if why == "other bytes":
        web.pages[mnist.URL] = b"<html>Please log in</html>"
    else:

        def cut(self, *size):
            raise http.client.IncompleteRead(b"")

        monkeypatch.setattr(
            Web, "__call__", lambda *a, **k: type("", (io.BytesIO,), {"read": cut})()
        )
    monkeypatch.setattr(mnist, "SAMPLE", put(tmp_path / "sample.npz", npz(tiny)))
    with pytest.warns(UserWarning, match="SHA-256" if why == "other bytes" else "IncompleteRead"):
        same(mnist.load_data(), tiny)
    assert list((tmp_path / "cache/fastnn").iterdir()) == []


def test_data_folder_that_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path / "no such folder"))
    with pytest.raises(FileNotFoundError, match="FASTNN_DATA is '.*no such folder'"):
        mnist.load_data()


@pytest.mark.parametrize(
    "what, message",
    [
        ("garbage", "cannot be read as an .npz"),
        ("array", "cannot be read as an .npz"),
        ("missing", "cannot be read as an .npz with the arrays x_train.*KeyError"),
        ("cut", "cannot be read as an .npz"),
        ("pickle", "cannot be read as an .npz.*allow_pickle"),
        ("shape", r"x_test is uint8 \(2, 28, 28\), expected uint8 \(3, 28, 28\)"),
        ("dtype", r"y_train is int64 \(5,\), expected uint8 \(5,\)"),
        ("pixel", "x_train has the right shape, but other contents"),
    ],
)
def test_file_that_is_not_mnist(what, message, tiny, web, tmp_path):
    arrays = dict(tiny)
    data = None
    if what == "garbage":
        data = b"\x00\x01" * 100
    elif what == "array":
        file = io.BytesIO()
        np.save(file, arrays["x_train"])
        data = file.getvalue()
    elif what == "missing":
        del arrays["y_test"]
    elif what == "cut":
        data = npz(arrays)[:-300]
    elif what == "pickle":
        arrays["y_train"] = np.array([{"a": 1}, None], dtype=object)
    elif what == "shape":
        arrays["x_test"] = arrays["x_test"][:-1]
    elif what == "dtype":
        arrays["y_train"] = arrays["y_train"].astype(np.int64)
    elif what == "pixel":
        arrays["x_train"] = arrays["x_train"].copy()
        arrays["x_train"][3, 14, 14] ^= 1
    put(tmp_path / "cache/fastnn/mnist.npz", npz(arrays) if data is None else data)
    with pytest.raises(ValueError, match=message):
        mnist.load_data()
    assert web.asked == []


# ---- Fashion-MNIST


@pytest.fixture
def clothes(monkeypatch, web):
    """Fashion-MNIST with a few images, and its four files in the web."""
    arrays = small_set()
    table = {}
    for what, (name, _, header, _) in fashion_mnist._FILES.items():
        packed = gzip.compress(b"h" * header + arrays[what].tobytes())
        web.pages[fashion_mnist.URL + name] = packed
        table[what] = (name, sha256(packed), header, arrays[what].shape)
    monkeypatch.setattr(fashion_mnist, "_FILES", table)
    return arrays


def test_fashion_mnist_downloads_each_file_once(clothes, web, tmp_path):
    same(fashion_mnist.load_data(), clothes)
    same(fashion_mnist.load_data(), clothes)
    assert sorted(web.asked) == sorted(web.pages)
    assert len(list((tmp_path / "cache/fastnn/fashion-mnist").iterdir())) == 4


def test_fashion_mnist_from_the_data_folder(clothes, web, tmp_path, monkeypatch):
    for url, packed in web.pages.items():
        put(tmp_path / "data/fashion-mnist" / url.rpartition("/")[2], packed)
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path / "data"))
    (x_train, y_train), test = fashion_mnist.load_data()
    same(((x_train, y_train), test), clothes)
    assert web.asked == []
    x_train[0] = 0  # the arrays are the caller's own


def test_fashion_mnist_without_a_network_is_an_error():
    with pytest.raises(OSError, match="train-images-idx3-ubyte.gz could not be downloaded.*Put it"):
        fashion_mnist.load_data()


def test_fashion_mnist_with_a_wrong_file(clothes, web, tmp_path):
    put(tmp_path / "cache/fastnn/fashion-mnist/t10k-labels-idx1-ubyte.gz", gzip.compress(b"no"))
    with pytest.raises(ValueError, match="is not Fashion-MNIST's t10k-labels"):
        fashion_mnist.load_data()


# ---- the cache


def test_cache_folder(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert _cache.cache_folder() == Path("/somewhere/fastnn")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/ada")
    assert _cache.cache_folder() == Path("/home/ada/.cache/fastnn")
