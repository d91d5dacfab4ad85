"""What there is, what is missing, and what fastnn says of it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import numpy as np
import pytest

import fastnn
from fastnn.keras import Sequential
from fastnn.keras.layers import Activation, Dense, Input
from fastnn.runtime import cuda_data, device


def model():
    return Sequential([Input((3,)), Activation("tanh")])


def test_what_is_found(emulator):
    found = fastnn.info()["cuda"]
    assert found["built"] and found["emulated"] and found["reason"] == ""
    assert found["driver"] == "13.0"
    assert [d["capability"] for d in found["devices"]] == [(8, 0), (8, 0)]
    assert all(d["supported"] for d in found["devices"])


MISSING = {
    "no driver": ({"driver": 0}, "no NVIDIA driver was found.*580 series or newer"),
    "an old driver": ({"driver": 12040}, "supports CUDA 12.4, and fastnn needs 13.0.*580 series"),
    "no device": ({"devices": 0}, "no CUDA-capable device"),
    "an old card": ({"major": 7, "minor": 5}, r"has compute capability 7.5.*8.0 \(Ampere\)"),
}


@pytest.mark.parametrize("case", MISSING)
def test_what_is_missing(emulator, case):
    setting, message = MISSING[case]
    emulator.configure(**setting)
    assert device.cuda_info()["reason"]
    with pytest.raises(RuntimeError, match=f'device="cuda" cannot be used: .*{message}'):
        fastnn.Trainer(model(), device="cuda")
    with pytest.raises(RuntimeError, match=message):
        fastnn.set_default_device("cuda:0")
    assert fastnn.default_device() == "cpu"
    fastnn.Trainer(model(), device="cpu")  # everything else works


def test_a_device_that_is_not_there(emulator):
    with pytest.raises(ValueError, match="There is no device 'cuda:2'; here are cuda:0 .*cuda:1"):
        fastnn.Trainer(model(), device="cuda:2")


def test_every_instruction_has_a_kernel(cuda_device):
    assert cuda_device.missing() == []


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:-1", "cuda:x", "CUDA", "", None, 0])
def test_a_name_that_is_none(name):
    with pytest.raises(ValueError, match="Unknown device"):
        device.check_device(name)


def test_the_default_device(cuda_device, monkeypatch):
    monkeypatch.setattr(device, "_default", None)
    assert fastnn.Trainer(model()).device == "cpu"
    monkeypatch.setenv("FASTNN_DEVICE", "numpy")
    assert fastnn.Trainer(model()).device == "numpy"
    fastnn.set_default_device("cuda")
    assert fastnn.Trainer(model()).device == "cuda"
    assert fastnn.Trainer(model(), device="cpu").device == "cpu"


def test_the_current_device_stays(emulator, cuda_device, monkeypatch):
    """Of the calling thread, whatever is done on another one."""
    fastnn.Trainer(model(), device="cuda:1")  # the device is set up
    memory, feed = cuda_device.Memory(1, 64), cuda_device.Feed(1, 64)
    host = np.zeros(64, np.uint8)
    x, y = np.ones((40, 3), np.float32), np.ones((40, 3), np.float32)
    dense = Sequential([Input((3,)), Dense(3)])
    trainer = fastnn.Trainer(dense, "adam", "mse", device="cuda:1")

    def fit_in_pieces():
        monkeypatch.setattr(cuda_data, "resident_limit", lambda device: 0)
        monkeypatch.setattr(cuda_data, "PIECE", 200)
        trainer.fit(x, y, batch_size=4, epochs=2, verbose=0)

    acts = {
        "allocate": lambda: cuda_device.Memory(1, 64),
        "upload": lambda: memory.upload(host),
        "download": lambda: memory.download(host),
        "fill memory": lambda: memory.fill(0),
        "free memory": lambda: cuda_device.free_memory(1),
        "release": lambda: cuda_device.release_unused(1),
        "synchronize": lambda: cuda_device.synchronize(1),
        "a stream": lambda: emulator.Stream(1),
        "a feed": lambda: cuda_device.Feed(1, 64),
        "fill a feed": lambda: feed.fill(0),
        "send": lambda: feed.send(0),
        "used": lambda: feed.used(0),
        "step": lambda: trainer.step(x, y),
        "fit": lambda: trainer.fit(x, y, batch_size=4, epochs=2, verbose=0),
        "predict": lambda: trainer.predict(x, verbose=0),
        "plan": lambda: trainer.plan(device="cuda:1"),
        "fit in pieces": fit_in_pieces,
        "collect": gc.collect,
    }
    moved = []
    for name, act in acts.items():
        act()
        if emulator.current_device() != 0:
            moved.append(name)
            emulator.set_current_device(0)
    assert moved == []


def python(code: str, **environment) -> subprocess.CompletedProcess:
    """Runs `code` in a new process."""
    path = os.pathsep.join(p for p in sys.path if p)
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )


def test_the_emulator_is_never_chosen_silently(emulator):
    """It is on the path, but nobody asked for it."""
    code = "import fastnn; print(fastnn.info()['cuda']['emulated'])"
    for value in ("", "0"):
        assert python(code, FASTNN_CUDA_EMULATOR=value).stdout == "False\n"
    assert "EMULATED" in python("from fastnn.__main__ import main; main(['info'])").stdout


def test_an_emulator_that_is_not_built():
    code = "import fastnn, sys; sys.path.clear(); print(fastnn.info()['cuda']['reason'])"
    run = python(code.replace("sys.path.clear()", "sys.path[:] = [p for p in sys.path "
                              "if 'emulator' not in p]"), FASTNN_CUDA_EMULATOR="1")  # fmt: skip
    assert "tools/build_emulator.py" in run.stdout, run.stderr


@pytest.mark.parametrize("name", ["FASTNN_CUDA_EMULATOR", "FASTNN_DEVICE"])
def test_the_environment_is_checked(name):
    run = python("import fastnn", **{name: "yes"})
    assert f"ValueError: {name} is 'yes'" in run.stderr


def test_import_makes_no_cuda_call():
    """Not even the module is loaded, nor the emulator."""
    code = (
        "import sys, fastnn.keras, fastnn.training.trainer, fastnn.runtime.program; "
        "print([m for m in sys.modules if 'cuda' in m and m.startswith('fastnn')])"
    )
    run = python(code)
    assert run.stdout == "[]\n", run.stdout + run.stderr


def test_use_after_fork_is_an_error():
    code = (
        "import os, fastnn\n"
        "from fastnn.keras import Sequential\n"
        "from fastnn.keras.layers import Activation, Input\n"
        "model = lambda: Sequential([Input((3,)), Activation('tanh')])\n"
        "fastnn.Trainer(model(), device='cuda').predict([[1.0, 2.0, 3.0]], verbose=0)\n"
        "if os.fork() == 0:\n"
        "    try:\n"
        "        fastnn.Trainer(model(), device='cuda')\n"
        "    except RuntimeError as error:\n"
        "        print(error, flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    run = python(code)
    assert "before this process was forked" in run.stdout and "'spawn'" in run.stdout, run.stderr


def test_arrays_after_a_fork():
    """An op raises; what the parent had on the device is let go of without a word to the driver."""
    code = (
        "import gc, os, numpy as np, fastnn\n"
        "from tests.cuda.foreign import Interface\n"
        "x = Interface(np.ones(3, np.float32))\n"
        "y = fastnn.ops.relu(x)\n"
        "if os.fork() == 0:\n"
        "    try:\n"
        "        fastnn.ops.relu(y)\n"
        "    except RuntimeError as error:\n"
        "        print(error, flush=True)\n"
        "    del y\n"
        "    gc.collect()\n"
        "    print('left alone', flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "print(y.numpy())\n"
    )
    run = python(code)
    first, second, last = run.stdout.splitlines()
    assert "before this process was forked" in first, run.stderr
    assert second == "left alone" and last == "[1. 1. 1.]"


def test_without_a_driver_a_fork_does_no_harm(emulator):
    code = (
        "import os, fastnn, fastnn_cuda_emulator as m\n"
        "m.emulator.configure(driver=0)\n"
        "before = fastnn.info()['cuda']\n"
        "if os.fork() == 0:\n"
        "    print(fastnn.info()['cuda'] == before, flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    run = python(code)
    assert run.stdout == "True\n", run.stdout + run.stderr


def test_a_child_may_use_what_its_parent_did_not():
    code = (
        "import os, fastnn, sys\n"
        "from fastnn.runtime.device import check_device\n"
        "if os.fork() == 0:\n"
        "    check_device('cuda')\n"
        "    print('usable', flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    run = python(code)
    assert run.stdout == "usable\n", run.stderr


def test_the_benchmark_measures_no_emulator(emulator):
    from pathlib import Path

    script = Path(__file__).resolve().parents[2] / "bench" / "cuda.py"
    path = f"import sys; sys.path.insert(0, {str(script.parent)!r}); sys.argv[1:] = []"
    run = python(f"{path}; import runpy; runpy.run_path({str(script)!r}, run_name='__main__')")
    assert run.returncode == 0, run.stderr
    assert "skipped, there is no GPU to measure: this is the emulator" in run.stderr


def test_the_benchmarks_own_peer_works():
    """A product and a step, by the script that a worker runs."""
    import json
    from pathlib import Path

    folder = Path(__file__).resolve().parents[2] / "bench" / "peers"
    path = os.pathsep.join([str(folder), *(p for p in sys.path if p)])
    options = json.dumps({"mode": "float32", "threads": 1, "seed": 1, "rows": 8})
    run = subprocess.run(
        [sys.executable, str(folder / "cuda" / "with_fastnn.py"), options],
        input="run 1 2 product 5 6 7 tn\nrun 1 1 step 4-3-2 4\nfinish\n",
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert run.returncode == 0, run.stderr
    _, product, step, _ = map(json.loads, run.stdout.splitlines())
    rng = np.random.default_rng(18)
    a, b = rng.random((7, 5), np.float32) - 0.5, rng.random((7, 6), np.float32) - 0.5
    assert product["mean"] == pytest.approx(np.abs(a.T @ b).mean(), rel=1e-5)
    assert len(step["seconds"]) == 1
