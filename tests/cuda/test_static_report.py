"""What nvcc made of the kernels: `tools/cuda_report.py` on the installed fastnn._cuda."""

from __future__ import annotations

import difflib
import os

import pytest

from tools import cuda_report

from . import backend


@pytest.fixture(autouse=True)
def cuda_device():
    """Not needed: nothing is run."""


@pytest.fixture(scope="module")
def compiled():
    """(kernels, threads of a block of each)."""
    try:
        files = os.environ.get("FASTNN_TEST_CUDA_OBJECTS", "").split() or [cuda_report.module()]
        cuda_report.tool("cuobjdump"), cuda_report.tool("nvdisasm")
    except FileNotFoundError as error:
        backend.is_missing(str(error))
    return cuda_report.read(files)


def test_every_kernel_is_as_expected(compiled):
    assert cuda_report.problems(*compiled) == []


def test_what_changed_was_looked_at(compiled):
    """`python tools/cuda_report.py --write`, and read the difference."""
    said = cuda_report.TABLE.read_text().splitlines()
    is_ = cuda_report.table(*compiled).splitlines()
    changed = list(difflib.unified_diff(said, is_, "docs/cuda_kernels.md", "this build", n=0))
    if changed and os.environ.get("FASTNN_CUDA", "").upper() != "ON":
        pytest.skip("the table is of the nvcc that FASTNN_CUDA=ON takes; another's code is another")
    assert changed == []


# ---- the report itself, on what is known of it


@pytest.mark.parametrize(
    "architecture, threads, registers, shared, percent",
    [
        ("sm_80", 256, 32, 0, 100),
        ("sm_80", 256, 33, 0, 75),  # 40 registers a thread: 48 warps
        ("sm_80", 256, 255, 0, 12.5),  # one block
        ("sm_86", 256, 40, 0, 100),
        ("sm_86", 32, 16, 0, 100 / 3),  # 16 blocks of one warp
        ("sm_90", 128, 128, 96 << 10, 12.5),  # two blocks by shared memory
        ("sm_86", 128, 128, 99 << 10, 100 / 12),  # one block
    ],
)
def test_occupancy(architecture, threads, registers, shared, percent):
    """As NVIDIA's occupancy calculator has it."""
    got = cuda_report.occupancy(architecture, threads, registers, shared)
    assert 100 * got == pytest.approx(percent)


def code(text: str) -> cuda_report.Code:
    lines = text.strip().splitlines()
    return cuda_report.Code(instructions=[(16 * i, line.strip()) for i, line in enumerate(lines)])


def test_the_main_loop():
    """The inner of two loops, and neither the one before it nor the jump forward."""
    kernel = code("""
        MOV R1, R2
        IADD3 R1, R1, 0x1, RZ
        BRA 0x10
        LDG.E.128 R4, [R2.64]
        LDSM.16.M88.4 R8, [R3]
        HMMA.16816.F32.BF16 R4, R8, R10, R4
        HMMA.16816.F32.BF16 R4, R8, R10, R4
        ISETP.GE.AND P0, PT, R1, R2, PT
        BRA `(.L_x_3) 0x40
        BRA 0x30
        BRA 0xc0
        EXIT
        BRA 0xc0
    """)
    body = kernel.main_loop("HMMA")
    assert len(body) == 5 and cuda_report.count(body, "HMMA") == 2
    assert code("MOV R1, R2").main_loop("HMMA") == []


def test_names():
    long = "void fastnn::cuda::(anonymous namespace)::tile_kernel<fastnn::cuda::gemm::Tile<64, 32>, (fastnn::cuda::Form)1, (bool)0>(fastnn::cuda::Product)"  # noqa: E501
    assert cuda_report._shorten(long) == "tile_kernel<Tile<64, 32>, 1, 0>"


def problem(**changes) -> list[str]:
    """What is found of one good kernel with a change."""
    good = {
        "registers": 32,
        "instructions": [(0, "LDG.E.128 R4, [R2]"), (16, "STG.E.128 [R2], R4")],
    }
    one = cuda_report.Code(**{**good, **changes})
    kernels = {"map_kernel<X>": {a: one for a in cuda_report.LIMITS}}
    found = cuda_report.problems(kernels, {"map_kernel<X>": 256})
    return [f for f in found if f.startswith("map_kernel<X> (sm_80)")]


def test_what_is_a_problem():
    assert problem() == []
    assert "8 bytes of stack" in problem(stack=8)[0]
    narrow = [(0, "LDG.E R4, [R2]"), (16, "STG.E [R2], R4"), (32, "STL [R1], R2")]
    assert [f.partition(": ")[2] for f in problem(instructions=narrow)] == [
        "1 loads and stores of local memory", "no 128-bit loads", "no 128-bit stores",
    ]  # fmt: skip
    tensor = [(0, "LDG.E.128 R4, [R2]"), (16, "STG.E.128 [R2], R4"), (32, "HMMA.16816 R4, R8")]
    assert "nothing is expected of its main loop" in problem(instructions=tensor)[0]
