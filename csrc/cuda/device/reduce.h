// Reductions of a warp and of a block, each by one fixed tree: the result does not depend on who
// arrives first, and there are no atomics.
#pragma once

#include "cuda/device/loop.h"

namespace fastnn::cuda {

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xffffffffu;

struct Sum {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Largest {  // NaN if either is
  __device__ __forceinline__ float operator()(float a, float b) const { return larger(a, b); }
  __device__ __forceinline__ Vec operator()(Vec a, Vec b) const { return max(a, b); }
};

// The result, in every lane. All 32 must call.
template <class T, class Combine>
__device__ __forceinline__ T reduce_warp(T value, Combine combine) {
  FASTNN_UNROLL
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    value = combine(value, __shfl_xor_sync(kAllLanes, value, distance));
  }
  return value;
}

// The result, in every thread of a block of kThreads threads in one dimension. All must call.
template <class T, class Combine>
__device__ __forceinline__ T reduce_block(T value, T neutral, Combine combine) {
  constexpr int kWarps = kThreads / kWarp;
  FASTNN_SHARED(T, of_warp, [kWarps]);
  value = reduce_warp(value, combine);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  if (lane == 0) of_warp[warp] = value;
  __syncthreads();
  value = reduce_warp(lane < kWarps ? of_warp[lane] : neutral, combine);
  __syncthreads();  // the next reduction may write there
  return value;
}

}  // namespace fastnn::cuda
