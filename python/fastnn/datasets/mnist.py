"""MNIST: 70,000 handwritten digits, 28 x 28 pixels (LeCun, Cortes and Burges, 1998).

MNIST is by Yann LeCun and Corinna Cortes and comes under the licence CC BY-SA 3.0.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from fastnn.datasets import _cache

URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
URL_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
SAMPLE = Path(__file__).with_name("mnist_sample.npz")

# name -> shape and SHA-256 of the bytes. With the IDX headers put back, the same bytes have the
# known MD5 sums of the original files (6bbc9ace..., a25bea73..., 2646ac64..., 27ae3e4e...).
_FULL = {
    "x_train": (
        (60000, 28, 28),
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    ),
    "y_train": (
        (60000,),
        "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    ),
    "x_test": (
        (10000, 28, 28),
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    ),
    "y_test": (
        (10000,),
        "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    ),
}


def load_data(path: str = "mnist.npz", sample: bool = False):
    """Load MNIST, as `keras.datasets.mnist.load_data` does.

    The file is looked for in the cache (`~/.cache/fastnn`), then in the folder that the environment
    variable FASTNN_DATA names, and is else downloaded into the cache. Without a network the sample
    that comes with the package stands in, with a warning.

    Args:
        path: name of the file in those folders; an absolute path is taken as it is.
        sample: take the packaged sample at once: 10,000 + 2,000 images, every 6th and every 5th of
            the full set.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all uint8: images of shape (60000, 28, 28) and
        (10000, 28, 28) with pixels 0 to 255, labels 0 to 9 of shape (60000,) and (10000,).

    Raises:
        ValueError: the file found is not MNIST.
        FileNotFoundError: FASTNN_DATA names no folder.
    """
    if sample:
        return _pairs(_read(SAMPLE))
    file = _cache.find(path)
    if file is None:
        try:
            file = _cache.download(URL, path, URL_SHA256)
        except OSError as error:
            data = _pairs(_read(SAMPLE))
            warnings.warn(
                f"MNIST could not be downloaded ({error}); using the sample that comes with fastnn:"
                f" {len(data[0][0]):,} training and {len(data[1][0]):,} test images instead of"
                f" 60,000 and 10,000. For all of them, put mnist.npz into {_cache.cache_folder()}"
                " or into the folder that FASTNN_DATA names.",
                stacklevel=2,
            )
            return data
    return _pairs(read_full(file))


def read_full(file: Path) -> dict[str, np.ndarray]:
    """The four arrays of the full MNIST, checked by their content, however they were compressed."""
    arrays = _read(file)
    for name, (shape, sha256) in _FULL.items():
        array = arrays[name]
        if array.shape != shape or array.dtype != np.uint8:
            raise ValueError(
                f"{file} is not MNIST: {name} is {array.dtype} {array.shape}, expected uint8"
                f" {shape}. Remove or replace the file."
            )
        if _cache.sha256_of(np.ascontiguousarray(array)) != sha256:
            raise ValueError(
                f"{file} is not MNIST: {name} has the right shape, but other contents than the"
                " original. Remove or replace the file."
            )
    return arrays


def _read(file: Path) -> dict[str, np.ndarray]:
    try:
        # Opened here, because np.load leaves a damaged file open.
        with open(file, "rb") as opened, np.load(opened, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name]) for name in _FULL}
    except OSError:
        raise
    except Exception as error:  # a damaged archive raises almost anything
        raise ValueError(
            f"{file} cannot be read as an .npz with the arrays {', '.join(_FULL)}:"
            f" {type(error).__name__}: {error}. Remove or replace the file."
        ) from error


def _pairs(arrays: dict[str, np.ndarray]):
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
