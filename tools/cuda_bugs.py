"""Bugs for `seeded_cuda_bugs.py`: one small change of the source each, and the check that must
notice it."""

from __future__ import annotations

from typing import NamedTuple


class Bug(NamedTuple):
    what: str
    file: str  # below csrc/cuda
    old: str  # occurs once in the file
    new: str
    unit: str  # what is compiled anew, below csrc/cuda
    check: str  # a test's id below tests/cuda
    says: str  # a pattern of what the check reports
    sanitizer: str | None = None  # the emulator that it runs on


BUGS = [
    # ---- threads that meet
    Bug(
        "no barrier between writing and reading shared memory",
        "device/reduce.h",
        "__syncthreads();\n  value = reduce_warp(lane < kWarps",
        "value = reduce_warp(lane < kWarps",
        "kernels/sums.cu",
        "test_reduce.py::test_norm_scale[12288]",
        "AssertionError",
    ),
    Bug(
        "no second barrier: shared memory is written again while others read it",
        "device/reduce.h",
        "  __syncthreads();  // the next reduction may write there\n",
        "",
        "kernels/sums.cu",
        "test_reduce.py::test_l1_l2[0.02-0.01-4097]",
        "ThreadSanitizer: data race",
        "thread",
    ),
    Bug(
        "no second barrier between two slabs of columns",
        "device/columns.h",
        "  __syncthreads();  // the next slab's parts go to the same place\n",
        "",
        "kernels/reduce.cu",
        "test_reduce.py::test_more_slabs_than_blocks",
        "ThreadSanitizer: data race",
        "thread",
    ),
    Bug(
        "no barrier in a product's double buffer",
        "gemm/simt.h",
        "next_b.put(slices_b + half);\n    __syncthreads();",
        "next_b.put(slices_b + half);",
        "kernels/matmul_simt.cu",
        "test_matmul.py::test_a_split_sum[nn]",
        "AssertionError",
    ),
    Bug(
        "threads leave before a barrier",
        "kernels/sums.cu",
        "  Vec part = Vec::zero();\n  for (int64_t i = begin + 4 * threadIdx.x; i < end;",
        "  Vec part = Vec::zero();\n  if (begin + 4 * threadIdx.x >= end) return;\n"
        "  for (int64_t i = begin + 4 * threadIdx.x; i < end;",
        "kernels/sums.cu",
        "test_reduce.py::test_norm_scale[1]",
        "barrier|left|finished",
    ),
    Bug(
        "a shuffle that names half of the lanes",
        "device/reduce.h",
        "__shfl_xor_sync(kAllLanes, value, distance)",
        "__shfl_xor_sync(0xffffu, value, distance)",
        "kernels/sums.cu",
        "test_reduce.py::test_norm_scale[12288]",
        "lane",
    ),
    Bug(
        "an update that is not atomic",
        "device/loop.h",
        "if (atomicCAS(&run_->report.reported, 0, 1) != 0) return;",
        "if (run_->report.reported++ != 0) return;",
        "kernels/gather.cu",
        "test_gather.py::test_scatter_rows_beyond_the_end",
        "ThreadSanitizer: data race",
        "thread",
    ),
    # ---- places
    Bug(
        "shared memory that is too small",
        "device/reduce.h",
        "FASTNN_SHARED(T, of_warp, [kWarps]);",
        "FASTNN_SHARED(T, of_warp, [kWarps - 1]);",
        "kernels/sums.cu",
        "test_reduce.py::test_norm_scale[12288]",
        "index 7 out of bounds",
        "address",
    ),
    Bug(
        "a ragged edge is read as if it were whole",
        "kernels/sums.cu",
        "const FirstLanes lanes{end - i < 4 ? static_cast<int>(end - i) : 4};",
        "const FirstLanes lanes{4};",
        "kernels/sums.cu",
        "test_reduce.py::test_norm_scale[1023]",
        "past the end of device memory|AssertionError",
    ),
    Bug(
        "rows beyond the last one",
        "gemm/simt.h",
        "        if (down >= outers_) down = outers_ - 1;\n",
        "",
        "kernels/matmul_simt.cu",
        "test_matmul.py::test_error_bound[5-3-7-nn]",
        "past the end of|no memory of the device",
    ),
    Bug(
        "a vector where only one of two operands is aligned",
        "kernels/sums.cu",
        "bool vectors() const { return aligned(x, weights); }",
        "bool vectors() const { return true; }",
        "kernels/sums.cu",
        "test_reduce.py::test_weighted_sum[7.0-True-17]",
        "runtime error: .*misaligned address",
        "address",
    ),
    Bug(
        "a wrong fragment of shared memory",
        "gemm/simt.h",
        "const float* rows_b = slices_b + half + tx * 4;",
        "const float* rows_b = slices_b + half + ty * 4;",
        "kernels/matmul_simt.cu",
        "test_matmul.py::test_error_bound[5-3-7-nn]",
        "AssertionError|RuntimeError",
    ),
    Bug(
        "too little scratch memory",
        "kernels/sums.cu",
        "float* sums = stream.scratch<float>(2 * blocks);\n  float* magnitudes",
        "float* sums = stream.scratch<float>(blocks);\n  float* magnitudes",
        "kernels/sums.cu",
        "test_reduce.py::test_l1_l2[0.02-0.01-4097]",
        "past the end of device memory|outside device memory",
    ),
    Bug(
        "two sums in the same scratch memory",
        "kernels/sums.cu",
        "weight_sums = sums + blocks;",
        "weight_sums = sums;",
        "kernels/sums.cu",
        "test_reduce.py::test_weighted_sum[0.0-True-1023]",
        "AssertionError",
    ),
    # ---- steps, streams
    Bug(
        "a graph that gives every step the first one's scalars",
        "kernels/advance.cu",
        "  run->scalars += run->scalars_width;\n",
        "",
        "kernels/advance.cu",
        "test_program.py::test_a_graph_of_the_step_gives_the_bits_of_single_steps[0]",
        "AssertionError|assert ",
    ),
    Bug(
        "a graph that stays at its first minibatch",
        "runner.cpp",
        "run.batch = arguments.batch;",
        "run.batch = 0;",
        "runner.cpp",
        "test_program.py::test_a_graph_of_the_step_gives_the_bits_of_single_steps[0]",
        "assert ",
    ),
    Bug(
        "another random number for each block of four",
        "kernels/random.cu",
        "static_cast<std::uint64_t>(i) / 4)",
        "static_cast<std::uint64_t>(i))",
        "kernels/random.cu",
        "test_interop.py::test_random_numbers_are_the_cpus[interface]",
        "AssertionError",
    ),
    Bug(
        "streams that wait for each other the wrong way round",
        "eager.cpp",
        "cudaEventRecord(reached, earlier)",
        "cudaEventRecord(reached, later)",
        "eager.cpp",
        "test_interop.py::test_data_that_comes_late",
        "AssertionError|assert ",
    ),
    Bug(
        "scratch memory that is free before its kernels have run",
        "eager.cpp",
        "if (data_ != nullptr) cudaFreeAsync(data_, queue_);",
        "if (data_ != nullptr) cudaFreeAsync(data_, cudaStreamPerThread);",
        "eager.cpp",
        "test_interop.py::test_scratch_memory_outlives_its_kernels",
        "Misuse|no memory of the device|free",
    ),
]
