// The kernels are one source for two compilers: nvcc, for GPUs, and g++, for the emulator that runs
// them in the test suite. Everything that the two say differently is said here once:
//
//   gpu::launch(name, kernel, grid, block, dynamic_shared, stream, arguments...)   kernel<<<...>>>
//   gpu::load(kernel)                         its code, before it is launched
//   gpu::allow_shared(kernel, bytes)          more dynamic shared memory than 48 KiB
//   FASTNN_SHARED(float, tile, [32][33]);     __shared__ float tile[32][33];
//   FASTNN_DYNAMIC_SHARED(float, tiles);      float* tiles, the dynamic shared memory of the launch
//   gpu::mma_bf16, load_matrix, copy_async... what is PTX on one side (ptx.h)
//
// The rest is CUDA C++: __global__, threadIdx, __syncthreads, __shfl_xor_sync, float4. Host code
// uses the CUDA runtime under its own names; the emulator has the part that fastnn needs.
#pragma once

#if defined(FASTNN_CUDA_EMULATOR)
#include "cuda/emulator/language.h"
#include "cuda/emulator/ptx.h"
#elif defined(__CUDACC__)
#include "cuda/nvidia/launch.h"
#include "cuda/nvidia/ptx.h"
#else
#include "cuda/nvidia/launch.h"
#endif
