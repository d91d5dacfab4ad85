// bf16 copies of float32 matrices, in rows and columns of whole tiles: what lies beyond the matrix
// is zeros. For bf16x3 three copies, one behind the other along k: of A the lower parts and the
// upper ones twice; of B the upper, the lower and the upper ones.
#pragma once

#include "cuda/gemm/product.h"

namespace fastnn::cuda {

struct Conversion {
  const float* from;                             // [rows, cols]
  std::uint16_t* to;                             // 16-byte aligned, and so are the rows
  int64_t rows, cols, padded_rows, padded_cols;  // padded: of one copy
  int64_t stride, next;  // of the rows; from one copy to the next. next 0: there is but one
  int64_t lower;         // which copy has the lower parts
  bool vectors;          // `from` has rows of whole packs
};

// The float that is nearest to x among those of bf16, but never infinite where x is not.
__device__ __forceinline__ float upper_part(float x) {
  const float near = bits_float(static_cast<std::int32_t>(gpu::pack_bf16(0.0f, x)));
  const bool overflown = fabsf(near) == INFINITY && fabsf(x) != INFINITY;
  return overflown ? bits_float(float_bits(x) & static_cast<std::int32_t>(0xffff0000u)) : near;
}

// Both factors of a product: blockIdx.z says which. Eight elements a thread: two loads of 16 bytes,
// and a store of 16 for each part.
__global__ void __launch_bounds__(kThreads)
    convert_kernel(const Conversion factor_a, const Conversion factor_b) {
  const Conversion c = blockIdx.z == 0 ? factor_a : factor_b;
  const int64_t packs = c.padded_cols / 8, all = c.padded_rows * packs;
  for (int64_t e = thread_in_grid(); e < all; e += threads_in_grid()) {
    const int64_t row = e / packs, col = e % packs * 8, left = c.cols - col;
    Vec half[2] = {Vec::zero(), Vec::zero()};
    if (row < c.rows) {
      FASTNN_UNROLL
      for (int h = 0; h < 2; ++h) {
        const int64_t here = left - 4 * h;
        const float* from = c.from + row * c.cols + col + 4 * h;
        if (here >= 4 && c.vectors) {
          half[h] = Vec::load(from);
        } else if (here > 0) {
          half[h] = Vec::load(from, here < 4 ? static_cast<int>(here) : 4);
        }
      }
    }
    const auto pack = [](Vec a, Vec b) {
      return make_uint4(gpu::pack_bf16(a.v[0], a.v[1]), gpu::pack_bf16(a.v[2], a.v[3]),
                        gpu::pack_bf16(b.v[0], b.v[1]), gpu::pack_bf16(b.v[2], b.v[3]));
    };
    std::uint16_t* to = c.to + row * c.stride + col;
    if (c.next == 0) {
      *reinterpret_cast<uint4*>(to) = pack(half[0], half[1]);
      continue;
    }
    Vec upper[2], lower[2];
    FASTNN_UNROLL
    for (int h = 0; h < 2; ++h) {
      FASTNN_UNROLL
      for (int l = 0; l < 4; ++l) {
        const float x = half[h].v[l], near = upper_part(x);
        upper[h].v[l] = near;
        lower[h].v[l] = fabsf(x) == INFINITY ? 0.0f : x - near;
      }
    }
    const uint4 above = pack(upper[0], upper[1]), below = pack(lower[0], lower[1]);
    FASTNN_UNROLL
    for (int part = 0; part < 3; ++part) {
      *reinterpret_cast<uint4*>(to + part * c.next) = part == c.lower ? below : above;
    }
  }
}

}  // namespace fastnn::cuda
