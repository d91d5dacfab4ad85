// Products of a row with a matrix: c[n] = a[k] B. One image to classify, a layer with one output,
// the gradient of such a layer's weights. There is nothing to keep in registers but c, so B streams
// through once, and all that counts is that it comes as fast as memory gives it.
//
// Every element of c is the chain of tile.h: the same bits as in a product of many rows.
#pragma once

#include <cstdint>

#include "cpu/gemm/epilogue.h"
#include "cpu/gemm/plan.h"
#include "cpu/gemm/tile.h"
#include "program/call.h"

namespace fastnn::FASTNN_ISA {

// B as rows of n: so many vectors of a row of B are read in one piece, and so many rows side by
// side; the sums wait in c meanwhile. More rows would be more streams than a CPU looks ahead in:
// 4096 x 4096 comes at 26 GB/s in 8 rows, at 14 in all.
inline constexpr int kRowVecs = 8;
inline constexpr std::int64_t kRowBlockK = 8;

template <bool kTail, int NV = kRowVecs>
Tile find_row_tile(std::int64_t vecs) {
  if constexpr (NV > 1) {
    if (vecs != NV) return find_row_tile<kTail, NV - 1>(vecs);
  }
  return &tile<1, NV, kTail, false>;
}

// c[cols] where B's rows lie along n.
inline void multiply_rows(const Product& q, Range cols, float* c) {
  const std::int64_t n = cols.end - cols.begin;
  const Pieces strips(vectors(n), kRowVecs);
  for (std::int64_t p = 0; p == 0 || p < q.k; p += kRowBlockK) {
    const std::int64_t k = least(kRowBlockK, q.k - p);
    for (std::int64_t s = 0, j = 0; s < strips.count; ++s) {
      const std::int64_t vecs = strips.size(s), width = least(vecs * Vec::N, n - j);
      const int tail = static_cast<int>(width - (vecs - 1) * Vec::N);
      const Tile row = tail < Vec::N ? find_row_tile<true>(vecs) : find_row_tile<false>(vecs);
      row(k, q.a.data + p, 1, q.b.at(p, cols.begin + j), q.b.stride, c + j, 0, tail, p == 0);
      j += width;
    }
  }
}

// The first `count` of N neighbours in c where B lies along k: N chains side by side, a block of
// N x N of B turned in registers for each N of k.
template <bool kWhole>
FASTNN_INLINE void multiply_turning(const Product& q, std::int64_t j, std::int64_t count,
                                    float* c) {
  constexpr int N = Vec::N;
  const float *x = q.a.data, *b = q.b.at(0, j);
  Vec sum = Vec::zero();
  Vec block[N];
  std::int64_t p = 0;
  const auto at = [&](int r) { return b + (kWhole || r < count ? r : 0) * q.b.stride + p; };
  for (; p + N <= q.k; p += N) {
    FASTNN_UNROLL
    for (int r = 0; r < N; ++r) block[r] = Vec::load(at(r));
    transpose(block);
    FASTNN_UNROLL
    for (int r = 0; r < N; ++r) sum = fma(Vec::set(x[p + r]), block[r], sum);
  }
  if (const int rest = static_cast<int>(q.k - p); rest > 0) {
    FASTNN_UNROLL
    for (int r = 0; r < N; ++r) block[r] = Vec::load(at(r), rest);
    transpose(block);
    FASTNN_UNROLL
    for (int r = 0; r < N; ++r) {
      if (r < rest) sum = fma(Vec::set(x[p + r]), block[r], sum);
    }
  }
  if constexpr (kWhole) {
    sum.store(c);
  } else {
    sum.store(c, static_cast<int>(count));
  }
}

// c[cols] of the plan's product, which has one row. Where it was turned, that is a column of C.
inline void multiply_vector(const Product& q, const Plan& plan, Range cols, float* c,
                            const Epilogue* epilogue) {
  c += cols.begin;
  const std::int64_t n = cols.end - cols.begin;
  if (q.b.along_k) {
    std::int64_t j = 0;
    for (; j + Vec::N <= n; j += Vec::N) {
      multiply_turning<true>(q, cols.begin + j, Vec::N, c + j);
    }
    if (j < n) multiply_turning<false>(q, cols.begin + j, n - j, c + j);
  } else {
    multiply_rows(q, cols, c);
  }
  if (!epilogue) return;
  if (plan.swap) {
    finish(*epilogue, n, 1, cols.begin, 0, c, 1);
  } else {
    finish(*epilogue, 1, n, 0, cols.begin, c, q.n);
  }
}

}  // namespace fastnn::FASTNN_ISA
