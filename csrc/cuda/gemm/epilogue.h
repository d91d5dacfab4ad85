// From sums in registers to C: through shared memory, so that C is written in whole rows of 16
// bytes a thread, and the code of the activations is there once in a kernel, not for each register.
#pragma once

#include "cuda/gemm/product.h"

namespace fastnn::cuda {

// The first n of four floats; `vectors`: 16 bytes at once, where there are four.
__device__ __forceinline__ Vec load_pack(const float* p, int n, bool vectors) {
  return vectors && n == 4 ? Vec::load(p) : Vec::load(p, n);
}
__device__ __forceinline__ void store_pack(Vec x, float* p, int n, bool vectors) {
  if (vectors && n == 4) {
    store_global(AllLanes{}, x, p);
  } else {
    x.store(p, n);
  }
}

// c[.. n] = act(sum + bias), or (sum + bias) act'(saved), for up to four elements of a row from
// column j on, which is element `at` of C.
template <class Act>
__device__ __forceinline__ void finish_pack(const Epilogue& end, Act act, Vec sum, int64_t at,
                                            int j, int n, float* c, bool vectors) {
  if (end.bias != nullptr) sum = sum + load_pack(end.bias + j, n, vectors);
  if (end.before != nullptr) store_pack(sum, end.before + at, n, vectors);
  const Vec last =
      end.saved != nullptr ? act.grad(sum, load_pack(end.saved + at, n, vectors)) : act(sum);
  store_pack(last, c + at, n, vectors);
}

// `count` rows of a tile in shared memory, `across` floats wide and `stride` apart, the first
// element of which is (i0, j0) of C. Of all threads of a block.
inline __device__ void finish_rows(const Product& q, int i0, int j0, int count, int across,
                                   const float* tile, int stride) {
  float* c = q.c + blockIdx.y * q.rows * q.cols;
  const int packs = across / 4, rows = q.m() - i0 < count ? q.m() - i0 : count;
  with_activation(q.end.activation, q.end.alpha, [&](auto act) {
    FASTNN_NO_UNROLL
    for (int e = static_cast<int>(threadIdx.x); e < rows * packs;
         e += static_cast<int>(blockDim.x)) {
      const int r = e / packs, l = e % packs * 4, left = q.n() - j0 - l;
      if (left <= 0) continue;
      finish_pack(q.end, act, Vec::load(tile + r * stride + l), (i0 + r) * q.cols + j0 + l, j0 + l,
                  left < 4 ? left : 4, c, q.vectors);
    }
  });
}

template <int BN>
inline constexpr int kFinishStride = BN + 4;

// A block's tile of BM x BN, whose first element is (i0, j0) of C. put(row, tile) writes the
// thread's sums of the rows [row, row + Rows) to tile[r - row][j], rows of kFinishStride<BN> apart;
// `tile` is shared memory that nobody needs any more after a barrier.
template <int BM, int BN, int Rows, class Put>
__device__ __forceinline__ void finish_tile(const Product& q, int i0, int j0, float* tile,
                                            Put put) {
  static_assert(BM % Rows == 0);
  FASTNN_NO_UNROLL
  for (int row = 0; row < BM && i0 + row < q.m(); row += Rows) {
    __syncthreads();
    put(row, tile);
    __syncthreads();
    finish_rows(q, i0 + row, j0, Rows, BN, tile, kFinishStride<BN>);
  }
}

}  // namespace fastnn::cuda
