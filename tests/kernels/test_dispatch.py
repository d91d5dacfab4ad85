"""Which instruction set serves: what the CPU has, and what FASTNN_ISA asks for."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from fastnn import _core

NEEDS = {
    "generic": set(),
    "avx2": {"avx2", "fma", "f16c"},
    "avx512": {"avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl"},
}
NEEDS["amx"] = NEEDS["avx512"] | {"avx512_bf16", "amx_tile", "amx_bf16"}


def cpu_flags() -> set[str]:
    """What the operating system says the CPU has: not our own cpuid."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        pytest.skip("no /proc/cpuinfo to compare with")
    for line in cpuinfo.read_text().splitlines():
        if line.startswith("flags"):
            return set(line.partition(":")[2].split())
    return set()


def is_intel() -> bool:
    return "GenuineIntel" in Path("/proc/cpuinfo").read_text()


def isa_under(**environment) -> tuple[str, str]:
    """(isa, reason), or ("error", message), of the native module in a new process.

    Alone: `import fastnn` looks at FASTNN_ISA too, and would refuse some of these first.
    """
    code = f"""
import importlib.util
spec = importlib.util.spec_from_file_location("_core", {_core.__file__!r})
_core = importlib.util.module_from_spec(spec)
spec.loader.exec_module(_core)
try:
    print(_core.isa(), _core.isa_reason(), sep="\\n")
except ValueError as error:
    print("error", error, sep="\\n")
"""
    rest = {name: value for name, value in os.environ.items() if name != "FASTNN_ISA"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=rest | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    isa, reason = done.stdout.splitlines()
    return isa, reason


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other CPUs have generic only")
def test_every_isa_of_this_cpu_is_usable():
    """A missing one would go untested in silence: every kernel test runs on those in isas()."""
    flags = cpu_flags()
    assert _core.isas() == [isa for isa, needs in NEEDS.items() if needs <= flags]


def test_the_fastest_is_chosen():
    isa, reason = isa_under()
    assert isa == _core.isas()[-1]
    assert reason.startswith("the fastest")
    assert isa_under(FASTNN_ISA="") == (isa, reason)


@pytest.mark.parametrize("isa", NEEDS)
def test_forced(isa):
    chosen, reason = isa_under(FASTNN_ISA=isa)
    if isa in _core.isas():
        assert (chosen, reason) == (isa, f"FASTNN_ISA={isa}")
    else:
        assert chosen == "error"
        assert reason.startswith("FASTNN_ISA: ") and f"'{isa}'" in reason


@pytest.mark.parametrize("isa", ["sse9", "AVX2", " avx2"])
def test_unknown(isa):
    chosen, reason = isa_under(FASTNN_ISA=isa)
    assert chosen == "error"
    assert reason.startswith(f"FASTNN_ISA: there are no kernels named '{isa}'")
    assert reason.endswith(f"this CPU can run {', '.join(_core.isas())}")
    with pytest.raises(ValueError, match=f"isa: there are no kernels named '{isa}'"):
        _core.matmul_reason(1, 1, 1, "nn", isa=isa)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other CPUs have generic only")
@pytest.mark.parametrize("isa", [*NEEDS, "avx512_bf16"])
def test_bf16_is_a_feature_of_its_own(isa):
    """avx512 has bf16 products where the CPU's instructions for them are faster than float32's;
    by the name of avx512_bf16 they can be had anyway."""
    has_dots = "avx512_bf16" in cpu_flags()
    if isa not in _core.isas() and not (isa == "avx512_bf16" and has_dots):
        pytest.skip(f"this CPU does not run {isa}")
    expected = {
        "amx": "AMX-BF16",
        "avx512": "AVX512-BF16" if has_dots and not is_intel() else None,
        "avx512_bf16": "AVX512-BF16",
    }.get(isa)
    code = "import fastnn; info = fastnn.info(); print(info['isa'], info['bf16'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "FASTNN_ISA": isa},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [isa, str(expected)]
