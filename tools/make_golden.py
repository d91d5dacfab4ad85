"""Run real Keras and write down what it did: the files of `tests/golden/`.

Once, in an environment of its own (Keras is no dependency of fastnn):

    python -m venv keras-env
    keras-env/bin/pip install tensorflow-cpu==2.21.0 keras==3.15.1
    keras-env/bin/python tools/make_golden.py            # all of it, about ten minutes on 2 cores
    keras-env/bin/python tools/make_golden.py values     # one part

Every file records the versions that made it. The cases themselves stand in `tests/keras_parity/`,
in modules that ask for nothing but a namespace shaped like `keras`: the generator hands them the
real one, the tests hand them `fastnn.keras`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = {  # part -> the float types of Keras it is run in, each in a process of its own
    "trajectories": ("float32", "float64"),
    "values": ("float32", "float64"),
    "behaviour": ("float32",),
    "founding": ("float32",),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--floatx", choices=("float32", "float64"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown part {sorted(unknown)}; expected some of {list(PARTS)}")
    if arguments.floatx:
        run_here(arguments.parts[0], arguments.floatx)
        return
    for part in arguments.parts or PARTS:
        for floatx in PARTS[part]:
            start = time.perf_counter()
            # The float type is a setting of the whole process: hence one process for each.
            command = [sys.executable, __file__, part, "--floatx", floatx]
            subprocess.run(command, check=True)
            print(f"{part} in {floatx}: {time.perf_counter() - start:.0f} s")


def run_here(part: str, floatx: str) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras

    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(floatx)
    sys.path.insert(0, str(ROOT))  # for `tests.keras_parity`
    module = importlib.import_module(f"golden.{part}")
    module.write(ROOT / "tests" / "golden", floatx)


if __name__ == "__main__":
    main()
