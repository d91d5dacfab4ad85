"""What FASTNN_CUDA builds, by CMake's configuration, and what a build without kernels says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from . import backend

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = "/usr/local/cuda/bin"  # where cmake/cuda.cmake looks beside PATH


@pytest.fixture(autouse=True)
def cuda_device():
    """Not needed: nothing is run."""


def tool(name: str) -> str:
    """Of the system, or of the extra `test`."""
    beside = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    return shutil.which(name, path=beside) or backend.is_missing(f"there is no {name}")


@pytest.fixture(scope="module")
def build_folder(tmp_path_factory):
    """The compiler is looked at once."""
    return tmp_path_factory.mktemp("build")


@pytest.fixture
def configure(build_folder, tmp_path):
    """configure(define, environment, nvcc) gives CMake's exit status and what it says, where there
    is no nvcc but this script."""

    def run(define: str | None, environment: str | None = None, nvcc: str | None = None):
        import pybind11

        path = os.environ.get("PATH", "").split(os.pathsep)
        with_nvcc = [folder for folder in [*path, SYSTEM] if (Path(folder) / "nvcc").exists()]
        packages = tmp_path / "nvidia"  # in front of those that are installed
        (packages / "cu13" / "bin").mkdir(parents=True)
        (packages / "__init__.py").touch()
        if nvcc is not None:
            script = packages / "cu13" / "bin" / "nvcc"
            script.write_text(nvcc)
            script.chmod(0o755)
        variables = {**os.environ, "PYTHONPATH": str(tmp_path)}
        for name in ("FASTNN_CUDA", "CUDACXX"):
            variables.pop(name, None)
        if environment is not None:
            variables["FASTNN_CUDA"] = environment
        line = [tool("cmake"), "-S", str(ROOT), "-B", str(build_folder), "-G", "Ninja"]
        line += [f"-DCMAKE_MAKE_PROGRAM={tool('ninja')}", f"-DPython_EXECUTABLE={sys.executable}"]
        line += [f"-Dpybind11_DIR={pybind11.get_cmake_dir()}"]
        line += [f"-DCMAKE_IGNORE_PATH={';'.join(with_nvcc)}", "-U", "FASTNN_CUDA"]
        line += [] if define is None else [f"-DFASTNN_CUDA={define}"]
        done = subprocess.run(line, env=variables, capture_output=True, text=True, timeout=120)
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    return run


@pytest.mark.parametrize(
    "define, environment",
    [("OFF", None), ("off", None), (None, "OFF"), ("AUTO", "auto"), (None, None), (None, "")],
)
def test_without_kernels(configure, define, environment):
    """AUTO takes what is there, and here is nothing."""
    status, said = configure(define, environment)
    assert status == 0, said
    off = "off" in (define or environment or "").lower()
    assert ("CUDA: none. no nvcc (packages nvidia-cuda-nvcc," in said) != off
    assert "CUDA: none." in said


@pytest.mark.parametrize("define, environment", [("ON", None), ("on", None), (None, "On")])
def test_on_fails_without_nvcc(configure, define, environment):
    status, said = configure(define, environment)
    assert status != 0
    assert "FASTNN_CUDA is ON: no nvcc (packages nvidia-cuda-nvcc, nvidia-cuda-crt" in said


@pytest.mark.parametrize("define", ["AUTO", "ON"])
def test_an_nvcc_that_is_too_old(configure, define):
    script = "#!/bin/sh\necho 'Cuda compilation tools, release 12.4, V12.4.131'\n"
    status, said = configure(define, nvcc=script)
    assert (status != 0) is (define == "ON")
    assert "nvcc is of CUDA '12.4', 13.0 or newer is needed" in said


@pytest.mark.parametrize("define, environment", [("YES", None), (None, "1"), ("OFF", "yes")])
def test_a_value_that_is_none(configure, define, environment):
    """Not silently AUTO."""
    status, said = configure(define, environment)
    value = environment or define
    assert status != 0 and f"FASTNN_CUDA is '{value}', expected AUTO, ON or OFF" in said


def test_pip_takes_the_environments_value_in_any_case():
    """ON and OFF bring packages and definitions of their own; the rest is CMake's affair."""
    patterns = re.findall(r'^if\.env\.FASTNN_CUDA = "(.*)"', (ROOT / "pyproject.toml").read_text(),
                          re.MULTILINE)  # fmt: skip
    values = ["ON", "on", "On", "OFF", "off", "AUTO", "", "1", "none", "ONE"]
    taken = [[value for value in values if re.search(p, value)] for p in patterns]
    assert taken == [["ON", "on", "On"], ["OFF", "off"]]


def test_a_build_without_kernels_says_so(tmp_path):
    """The stub, in the place of the module that is installed; all else works."""
    stub = tmp_path / "_cuda.so"
    include = [f"-I{sysconfig.get_path('include')}", f"-I{sysconfig.get_path('platinclude')}"]
    source = ROOT / "csrc" / "cuda" / "no_cuda.cpp"
    line = [tool("g++"), "-std=c++20", "-shared", "-fPIC", *include, str(source), "-o", str(stub)]
    subprocess.run(line, check=True)
    code = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('fastnn._cuda', {str(stub)!r})\n"
        "sys.modules['fastnn._cuda'] = stub = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(stub)\n"
        "import fastnn\n"
        "from fastnn.keras import Sequential\n"
        "from fastnn.keras.layers import Dense, Input\n"
        "print({**fastnn.info()['cuda'], 'reason': ''})\n"
        "model = Sequential([Input((3,)), Dense(2)])\n"
        "try:\n"
        "    fastnn.Trainer(model, 'adam', 'mse', device='cuda')\n"
        "except RuntimeError as error:\n"
        "    print(error)\n"
        "print(model.predict([[1, 2, 3]], verbose=0).shape)\n"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    environment = {**os.environ, "PYTHONPATH": path, "FASTNN_CUDA_EMULATOR": "0"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    info, message, shape = run.stdout.splitlines()
    assert "'built': False" in info and "'devices': []" in info
    assert message.startswith('device="cuda" cannot be used: this build of fastnn has no CUDA ')
    assert "`FASTNN_CUDA=ON pip install .`" in message and shape == "(1, 2)"
