"""What is installed: its version, size and links, and what an import costs."""

from __future__ import annotations

import importlib
import importlib.metadata
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

import fastnn
from tools import check_import_time, check_isa, check_wheel


@pytest.fixture(scope="module", params=["_core", "_cuda"])
def native_module(request) -> Path:
    return Path(importlib.import_module(f"fastnn.{request.param}").__file__)


@pytest.fixture(scope="module")
def installed():
    try:
        distribution = importlib.metadata.distribution("fastnn-native")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("fastnn is run from its source tree, not installed")
    files = {Path(file.locate()).resolve() for file in distribution.files}
    if Path(fastnn.__file__).resolve() not in files:
        pytest.skip("fastnn is installed as an editable package: its files are elsewhere")
    return distribution


def test_version(installed):
    assert fastnn.__version__ == installed.version


def test_what_is_installed(installed):
    package = [str(file) for file in installed.files if file.parts[0] == "fastnn"]
    assert {"fastnn/py.typed", "fastnn/planner/opcodes.def"} < set(package)
    assert {"fastnn/datasets/mnist_sample.npz", "fastnn/datasets/mnist_sample.LICENSE"} < set(
        package
    )
    assert not [name for name in package if "test" in name or name.endswith((".cpp", ".h"))]


def test_wheel_size(installed):
    """The files as a wheel packs them: deflated one by one."""
    files = [f for f in installed.files if "__pycache__" not in f.parts and f.suffix != ".pyc"]
    size = sum(len(zlib.compress(file.locate().read_bytes(), 6)) for file in files)
    unpacked = {str(f): f.locate().stat().st_size for f in files}
    assert 2_000_000 < size <= check_wheel.max_bytes(unpacked)


def test_requirements_are_few_and_extras_exist(installed):
    required = [r for r in installed.requires if "extra ==" not in r]
    assert sorted(r.split(">")[0] for r in required) == ["numpy", "tqdm"]
    extras = installed.metadata.get_all("Provides-Extra")
    assert {"plot", "test", "bench", "hdf5", "cuda"} <= set(extras)


@pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is not installed")
def test_native_module_links_little_and_is_stripped(native_module):
    assert check_wheel.problems_of(native_module) == []


def test_import_time():
    """CPU time, medians of processes that take turns."""
    for _ in range(3):  # a busy moment may spoil one series, not three
        times = check_import_time.medians(rounds=5)
        if times["fastnn"] - times["numpy"] <= check_import_time.MAX_EXTRA_MS:
            # The whole API, about as long as NumPy again, is held where it is.
            assert times["all of its Keras"] < 2.5 * times["numpy"]
            return
    pytest.fail(", ".join(f"{name} {ms:.0f} ms" for name, ms in times.items()))


def test_import_leaves_rare_modules_alone():
    rare = {"matplotlib", "scipy", "pandas", "tqdm", "argparse", "h5py", "tensorflow", "torch"}
    code = f"import sys, fastnn, fastnn.keras; print(*({rare} & set(sys.modules)))"
    came = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert came.stdout.strip() == ""


# ---- the checks themselves: they must fail where there is something to find

CODE = """
#include <cstddef>
{kind} __attribute__((noinline)) float scaled(const float* x, std::size_t i) {{ return x[i] * 2; }}
float {name}(float* x, const float* y, std::size_t n) {{
  for (std::size_t i = 0; i < n; ++i) x[i] = x[i] * 3 + y[i];
  return scaled(x, n - 1);
}}
"""


@pytest.fixture
def compiled(tmp_path):
    """A function that compiles a small kernel into tmp_path/<isa>/kernel.o."""
    compiler = shutil.which("c++") or shutil.which("g++")
    probe = compiler and subprocess.run([compiler, "-dumpmachine"], capture_output=True, text=True)
    if not probe or not probe.stdout.startswith("x86_64"):
        pytest.skip("needs a C++ compiler for x86-64")

    def build(isa: str, *flags: str, kind="static") -> Path:
        source, result = tmp_path / "kernel.cpp", tmp_path / isa / "kernel.o"
        source.write_text(CODE.format(kind=kind, name=f"run_{isa}"))
        result.parent.mkdir(exist_ok=True)
        command = [compiler, "-O3", *flags, "-c", str(source), "-o", str(result)]
        subprocess.run(command, check=True)
        return result

    return build


WIDE = ("-mavx512f", "-mprefer-vector-width=512")


def test_check_isa_finds_nothing_in_clean_objects(compiled):
    objects = [compiled("core"), compiled("avx2", "-mavx2"), compiled("avx512", *WIDE)]
    assert check_isa.check(objects) == []
    assert [check_isa.isa_needed(file) for file in objects] == ["generic", "avx2", "avx512"]


@pytest.mark.parametrize(
    "isa, flags, needed",
    [("core", ["-mavx2"], "avx2"), ("generic", ["-mavx"], "avx2"), ("avx2", WIDE, "avx512")],
)
def test_check_isa_finds_code_beyond_the_instruction_set(isa, flags, needed, compiled):
    (problem,) = check_isa.check([compiled(isa, *flags)])
    assert problem.endswith(f"and needs {needed}")


@pytest.mark.parametrize(
    "isa, instruction, needed",
    [
        ("avx512", "vdpbf16ps %%zmm0, %%zmm1, %%zmm2", "avx512_bf16"),
        ("avx512", "vcvtne2ps2bf16 %%zmm0, %%zmm1, %%zmm2", "avx512_bf16"),
        ("avx512_bf16", "tilezero %%tmm0", "amx"),
    ],
)
def test_check_isa_knows_the_instructions_for_bf16(isa, instruction, needed, compiled):
    kind = f'void assembly() {{ asm("{instruction}" : :); }} static'
    (problem,) = check_isa.check([compiled(isa, kind=kind)])
    assert problem.endswith(f"and needs {needed}")


def test_check_isa_finds_a_shared_inline_function(compiled):
    objects = [compiled("avx2", "-mavx2", kind="inline"), compiled("core", kind="inline")]
    (problem,) = check_isa.check(objects)
    assert problem.startswith("scaled(float const*, unsigned long): weak in ")


def test_check_wheel_finds_links_and_symbols(tmp_path):
    compiler = shutil.which("g++")
    if compiler is None or shutil.which("readelf") is None:
        pytest.skip("needs g++ and readelf")

    def build(name: str, *flags: str) -> Path:
        source = tmp_path / "m.cpp"
        source.write_text("#include <cmath>\nfloat f(float x) { return std::sin(x); }")
        command = [compiler, "-shared", "-fPIC", str(source), "-o", str(tmp_path / name)]
        subprocess.run([*command, *flags], check=True)
        return tmp_path / name

    assert check_wheel.problems_of(build("good.so", "-s")) == []
    (problem,) = check_wheel.problems_of(build("debug.so", "-g"))
    assert problem.startswith("debug.so has debug information")
    build("libother.so", "-s")
    linked = build("linked.so", "-s", "-Wl,--no-as-needed", f"-L{tmp_path}", "-lother")
    assert check_wheel.problems_of(linked) == ["linked.so needs libother.so"]
