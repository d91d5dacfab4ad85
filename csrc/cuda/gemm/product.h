// A matrix product and its epilogue as the kernels are given them, and how it is cut up.
#pragma once

#include "cuda/device/loop.h"
#include "cuda/gemm/choose.h"

namespace fastnn::cuda {

// What is done with a finished sum.
struct Epilogue {
  const float* bias;   // [n] or nullptr
  const float* saved;  // [m, n]: the sums are multiplied by act'(saved); nullptr: act(sums)
  float* before;       // [m, n]: keeps the value before the activation; or nullptr
  Activation activation;
  float alpha;
};

struct Product {
  // Extents are below 2^31. They are 64 bits wide so that two of them are not taken for an address
  // by the emulator, which looks through arguments for those of the host.
  int64_t rows, cols, depth;
  const float *a, *b;  // as the form lays them out
  float* c;            // [m, n], or [splits, m, n], where the sums of each part of k go
  Epilogue end;
  int64_t part;  // of k, for each of the splits
  bool vectors;  // C, bias, `saved` and `before` may be accessed 16 bytes at a time

  FASTNN_INLINE int m() const { return static_cast<int>(rows); }
  FASTNN_INLINE int n() const { return static_cast<int>(cols); }
  FASTNN_INLINE int k() const { return static_cast<int>(depth); }
  FASTNN_INLINE int chunk() const { return static_cast<int>(part); }
};

FASTNN_INLINE int ceil_div(int64_t a, int64_t b) { return static_cast<int>((a + b - 1) / b); }

// C's tiles are handed out in strips of kStrip rows of tiles, column by column, so that blocks that
// run at the same time share most of what they read.
inline constexpr int kStrip = 8;

struct TilePlace {
  int i, j;  // of the tile, in tiles
};
__device__ __forceinline__ TilePlace place_of(int tile, int tiles_m, int tiles_n) {
  const int strip = tile / (kStrip * tiles_n), first = strip * kStrip;
  const int height = tiles_m - first < kStrip ? tiles_m - first : kStrip;
  const int within = tile - first * tiles_n;
  return {first + within % height, within / height};
}

// One launch of a kernel for tiles of BM x BN and `splits` parts of k.
template <int BM, int BN>
Shape product_shape(const Product& q, int splits, int threads, std::size_t shared) {
  return {dim3(static_cast<unsigned>(ceil_div(q.rows, BM) * ceil_div(q.cols, BN)),
               static_cast<unsigned>(splits)),
          dim3(static_cast<unsigned>(threads)), shared};
}

// ---- the kernels' host functions, one for each file kernels/matmul_*.cu
void multiply_simt(Form form, int tile, int splits, const Product& q, Stream& stream);
// Needs rows and addresses of 16 bytes.
void multiply_tf32(Form form, int tile, int splits, bool split_factors, const Product& q,
                   Stream& stream);
// Needs memory for the converted factors: bf16_scratch() bytes.
void multiply_bf16(Form form, int tile, int splits, bool split_factors, const Product& q,
                   char* scratch, Stream& stream);
// How long its sums are.
int64_t bf16_depth(bool split_factors, int64_t k);
int64_t bf16_scratch(Form form, int tile, bool split_factors, const Product& q);

}  // namespace fastnn::cuda
