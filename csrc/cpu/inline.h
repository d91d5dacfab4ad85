// For everything that is small and shared by the ISA folders: an inlined copy cannot leak from the
// object file of one ISA into a program that runs on another. The CUDA kernels share the arithmetic
// (`cuda/device/vec.h`); nvcc compiles it for the device.
#pragma once

#ifdef __CUDACC__
#define FASTNN_INLINE __host__ __device__ __forceinline__
#else
#define FASTNN_INLINE [[gnu::always_inline]] inline
#endif

// Before a loop with few, constant turns: unroll all of them, so that an array indexed by the loop
// variable can live in registers.
#if defined(__CUDA_ARCH__)
#define FASTNN_UNROLL _Pragma("unroll")
#elif defined(__clang__)
#define FASTNN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define FASTNN_UNROLL _Pragma("GCC unroll 32")
#endif

// Before a loop with many turns: n of them at once.
#define FASTNN_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define FASTNN_UNROLL_BY(n) FASTNN_PRAGMA(clang loop unroll_count(n))
#else
#define FASTNN_UNROLL_BY(n) FASTNN_PRAGMA(GCC unroll n)
#endif

// Before a loop that nvcc had better not unroll.
#if defined(__CUDA_ARCH__)
#define FASTNN_NO_UNROLL _Pragma("unroll 1")
#else
#define FASTNN_NO_UNROLL
#endif
