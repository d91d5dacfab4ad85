"""Fashion-MNIST: 70,000 pictures of clothes in MNIST's format (Xiao, Rasul and Vollgraf, 2017).

Classes 0 to 9: T-shirt/top, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle
boot.
By Zalando SE, under the MIT licence.
"""

from __future__ import annotations

import numpy as np

from fastnn.datasets import _cache

URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
FOLDER = "fashion-mnist"

# What is returned -> file, SHA-256 of the file, bytes of its IDX header, shape.
_FILES = {
    "x_train": (
        "train-images-idx3-ubyte.gz",
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        16,
        (60000, 28, 28),
    ),
    "y_train": (
        "train-labels-idx1-ubyte.gz",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        8,
        (60000,),
    ),
    "x_test": (
        "t10k-images-idx3-ubyte.gz",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        16,
        (10000, 28, 28),
    ),
    "y_test": (
        "t10k-labels-idx1-ubyte.gz",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        8,
        (10000,),
    ),
}


def load_data():
    """Load Fashion-MNIST, as `keras.datasets.fashion_mnist.load_data` does.

    Its four files are looked for in the folder `fashion-mnist` of the cache (`~/.cache/fastnn`) and
    of the folder that the environment variable FASTNN_DATA names, and are else downloaded.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all uint8: images of shape (60000, 28, 28) and
        (10000, 28, 28) with pixels 0 to 255, labels 0 to 9 of shape (60000,) and (10000,).

    Raises:
        OSError: a file is not there and cannot be downloaded.
        ValueError: a file found is not Fashion-MNIST's.
    """
    arrays = {what: _load(*entry) for what, entry in _FILES.items()}
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def _load(name: str, sha256: str, header: int, shape: tuple[int, ...]) -> np.ndarray:
    file = _cache.find(f"{FOLDER}/{name}")
    if file is None:
        try:
            file = _cache.download(URL + name, f"{FOLDER}/{name}", sha256)
        except OSError as error:
            raise OSError(
                f"Fashion-MNIST's file {name} could not be downloaded ({error}). Put it into"
                f" {_cache.cache_folder() / FOLDER}, or into {FOLDER}/ in the folder that"
                " FASTNN_DATA names."
            ) from error
    packed = file.read_bytes()
    if _cache.sha256_of(packed) != sha256:
        raise ValueError(
            f"{file} is not Fashion-MNIST's {name}: its SHA-256 is {_cache.sha256_of(packed)},"
            f" expected {sha256}. Remove or replace the file."
        )
    import gzip

    # A copy, because what frombuffer returns cannot be written to.
    return np.frombuffer(gzip.decompress(packed), np.uint8, offset=header).reshape(shape).copy()
