"""Make the MNIST sample that the package carries, from the full set.

    python tools/make_mnist_sample.py path/to/mnist.npz

Takes every 6th training image and every 5th test image: 10,000 + 2,000 of them, spread over the
whole set, so that the classes keep its proportions and the test part keeps both of its halves
(the first 5,000 test images of MNIST are easier than the rest). The same input gives the same
file, byte for byte.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import numpy as np

from fastnn.datasets import mnist

TRAIN_STEP = 6
TEST_STEP = 5


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Like np.savez_compressed, but with the hardest compression and without the time of day."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.lib.format.write_array(data, array, allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(member, data.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/make_mnist_sample.py path/to/mnist.npz")
    full = mnist.read_full(Path(sys.argv[1]))
    arrays = {
        name: np.ascontiguousarray(array[:: TRAIN_STEP if "train" in name else TEST_STEP])
        for name, array in full.items()
    }
    write_npz(mnist.SAMPLE, arrays)
    shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
    print(f"{mnist.SAMPLE}: {mnist.SAMPLE.stat().st_size:,} bytes: {shapes}")


if __name__ == "__main__":
    main()
