// Products of a row with a matrix: c[n] = a[k] B. One image to classify, a layer with one output,
// the gradient of such a layer's weights. There is nothing to keep in registers but c, so B streams
// through once, and all that counts is that it comes as fast as memory gives it.
//
// Every element of c is the chain of tile.h: the same bits as in a product of many rows. But a
// product with one column whose rows lie along k is made of dots, which are sums of their own: see
// below.
#pragma once

#include <cstdint>

#include "cpu/gemm/epilogue.h"
#include "cpu/gemm/plan.h"
#include "cpu/gemm/tile.h"
#include "cpu/kernels/loop.h"
#include "program/call.h"

namespace fastnn::FASTNN_ISA {

// B as rows of n that are so short that all of c waits in registers, as one tile: then B comes from
// end to end, as it lies, and a core reads ahead best. On a Zen 5, 784 x 128 in L2 comes at 212
// GB/s, several rows side by side (below) at 144. Pieces of rows, of which another thread has the
// rest, come as quickly from L2, but not from further away.
inline bool has_short_rows(const Product& q, std::int64_t cols) {
  const bool in_l2 = static_cast<std::int64_t>(sizeof(float)) * q.k * q.n <= 2 * kCacheBytes;
  return vectors(cols) <= kShortRowVecs && (in_l2 || cols == q.n);
}

// The tile of one row and so many vectors.
template <bool kTail, int V = kShortRowVecs>
Tile find_row_tile(std::int64_t vecs) {
  if constexpr (V > 1) {
    if (vecs != V) return find_row_tile<kTail, V - 1>(vecs);
  }
  return &tile<1, V, kTail, true>;
}

// B as longer rows: so many of them side by side, a vector of each at a time; the sums wait in c
// meanwhile. More rows would be more streams than a CPU looks ahead in. Longer pieces of a row
// would leave it less to look ahead: 4096 x 4096 comes a third more slowly in pieces of 8 vectors.
inline constexpr int kRowsTogether = 8;

// c[n] (+)= a[K] b[K, n], whose rows lie ldb apart.
template <int K, bool kFirst>
void add_rows(const float* a, const float* b, std::int64_t ldb, std::int64_t n, float* c) {
  Vec x[K];
  FASTNN_UNROLL
  for (int r = 0; r < K; ++r) x[r] = Vec::set(a[r]);
  const float* base[(K + 2) / 3];  // one for every three rows, as in tile.h
  FASTNN_UNROLL
  for (int r = 0; r < K; r += 3) base[r / 3] = b + r * ldb;
  for_vectors(0, n, [&](std::int64_t j, auto lanes) {
    Vec sum = kFirst ? Vec::zero() : lanes.load(c + j);
    FASTNN_UNROLL
    for (int r = 0; r < K; ++r) sum = fma(x[r], lanes.load(base[r / 3] + r % 3 * ldb + j), sum);
    lanes.store(sum, c + j);
  });
}

using AddRows = void (*)(const float* a, const float* b, std::int64_t ldb, std::int64_t n,
                         float* c);

// The instance for a number of rows.
template <bool kFirst, int K = kRowsTogether>
AddRows find_add_rows(std::int64_t rows) {
  if constexpr (K > 1) {
    if (rows != K) return find_add_rows<kFirst, K - 1>(rows);
  }
  return &add_rows<K, kFirst>;
}

// c[cols] where B's rows lie along n.
inline void multiply_rows(const Product& q, Range cols, float* c) {
  const std::int64_t n = cols.end - cols.begin;
  if (has_short_rows(q, n)) {
    const std::int64_t vecs = vectors(n);
    const int tail = static_cast<int>(n - (vecs - 1) * Vec::N);
    const Tile row = (tail < Vec::N ? find_row_tile<true> : find_row_tile<false>)(vecs);
    return row(q.k, q.a.data, 0, q.b.at(0, cols.begin), q.b.stride, c, 0, tail, true);
  }
  if (q.k == 0) {
    for_vectors(0, n, [&](std::int64_t j, auto lanes) { lanes.store(Vec::zero(), c + j); });
  }
  for (std::int64_t p = 0; p < q.k; p += kRowsTogether) {
    const std::int64_t rows = least(kRowsTogether, q.k - p);
    const AddRows add = p == 0 ? find_add_rows<true>(rows) : find_add_rows<false>(rows);
    add(q.a.data + p, q.b.at(p, cols.begin), q.b.stride, n, c);
  }
}

// V vectors of neighbours in c where B lies along k: blocks of N x N of B are turned in registers.
// The chains of a vector wait for each other, those of the next one run meanwhile. Of the last
// vector of c there may be fewer than N, `count`: then V is 1, and not kWhole.
//
// All of a cache line is used at once: rows often are a multiple of 4 KiB apart, where all share
// one set of the L1 cache, and a line does not stay there for long.
template <int V, bool kWhole>
FASTNN_INLINE void multiply_turning(const Product& q, std::int64_t j, std::int64_t count,
                                    float* c) {
  constexpr int N = Vec::N;
  Vec sum[V];
  FASTNN_UNROLL
  for (int v = 0; v < V; ++v) sum[v] = Vec::zero();
  const auto row = [&](std::int64_t p, int v, int r) {
    return q.b.at(p, j + (kWhole || r < count ? v * N + r : 0));
  };
  const auto add = [&](const Vec(&block)[N], std::int64_t p, int steps, int v) {
    FASTNN_UNROLL
    for (int r = 0; r < N; ++r) {
      if (r < steps) sum[v] = fma(Vec::set(q.a.data[p + r]), block[r], sum[v]);
    }
  };

  const auto add_block = [&](std::int64_t p, int v) {
    Vec block[N];
    if constexpr (kWhole) {
      load_transposed(row(p, v, 0), q.b.stride, block);
    } else {
      FASTNN_UNROLL
      for (int r = 0; r < N; ++r) block[r] = Vec::load(row(p, v, r));
      transpose(block);
    }
    add(block, p, N, v);
  };
  std::int64_t p = 0;
  for (; p + kLine <= q.k; p += kLine) {
    FASTNN_UNROLL
    for (int v = 0; v < V; ++v) {
      FASTNN_UNROLL
      for (int l = 0; l < kLine; l += N) add_block(p + l, v);
    }
  }
  for (; p + N <= q.k; p += N) {
    FASTNN_UNROLL
    for (int v = 0; v < V; ++v) add_block(p, v);
  }
  if (const int rest = static_cast<int>(q.k - p); rest > 0) {
    FASTNN_UNROLL
    for (int v = 0; v < V; ++v) {
      Vec block[N];
      FASTNN_UNROLL
      for (int r = 0; r < N; ++r) block[r] = Vec::load(row(p, v, r), rest);
      transpose(block);
      add(block, p, rest, v);
    }
  }
  FASTNN_UNROLL
  for (int v = 0; v < V; ++v) {
    if constexpr (kWhole) {
      sum[v].store(c + v * N);
    } else {
      sum[v].store(c, static_cast<int>(count));
    }
  }
}

// c[cols] where B lies along k.
inline void multiply_columns(const Product& q, Range cols, float* c) {
  constexpr int N = Vec::N;
  std::int64_t j = cols.begin;
  for (; j + kTurnedVecs * N <= cols.end; j += kTurnedVecs * N, c += kTurnedVecs * N) {
    multiply_turning<kTurnedVecs, true>(q, j, kTurnedVecs * N, c);
  }
  for (; j + N <= cols.end; j += N, c += N) multiply_turning<1, true>(q, j, N, c);
  if (j < cols.end) multiply_turning<1, false>(q, j, cols.end - j, c);
}

// ---- dots: one column of C (a layer with one output), A's rows along k. Turned, each row of A is
// a column of B that lies along k. A chain over k would have to turn all of the matrix in
// registers, which takes as long as reading it twice. Here lane l of kLine sums the products of k =
// l, l + kLine,
// ..., each a chain of its own; then lanes 8 apart are added, those 4, 2 and 1 apart. It is the
// same order on every instruction set, for any number of rows.

inline constexpr int kDotVecs = kLine / Vec::N;   // of the lanes of a dot
inline constexpr int kDotsTogether = Vec::N / 2;  // so that eight chains run at a time

// The dots of up to kDotsTogether columns from j on with a, `count` of which exist: lanes l and
// l + N, l + 2 N... of each are added.
FASTNN_INLINE void dot_lanes(const Product& q, std::int64_t j, std::int64_t count, Vec* lanes) {
  constexpr int N = Vec::N;
  const float* row[kDotsTogether];
  Vec sum[kDotsTogether][kDotVecs];
  FASTNN_UNROLL
  for (int r = 0; r < kDotsTogether; ++r) {
    row[r] = q.b.at(0, j + (r < count ? r : 0));
    FASTNN_UNROLL
    for (int v = 0; v < kDotVecs; ++v) sum[r][v] = Vec::zero();
  }
  std::int64_t p = 0;
  for (; p + kLine <= q.k; p += kLine) {
    FASTNN_UNROLL
    for (int v = 0; v < kDotVecs; ++v) {
      const Vec a = Vec::load(q.a.data + p + v * N);
      FASTNN_UNROLL
      for (int r = 0; r < kDotsTogether; ++r) {
        sum[r][v] = fma(a, Vec::load(row[r] + p + v * N), sum[r][v]);
      }
    }
  }
  for (int v = 0; p < q.k; ++v, p += N) {
    const int rest = static_cast<int>(least(N, q.k - p));
    const Vec a = Vec::load(q.a.data + p, rest);
    FASTNN_UNROLL
    for (int r = 0; r < kDotsTogether; ++r) {
      sum[r][v] = fma(a, Vec::load(row[r] + p, rest), sum[r][v]);
    }
  }
  FASTNN_UNROLL
  for (int r = 0; r < kDotsTogether; ++r) {
    FASTNN_UNROLL
    for (int apart = kDotVecs / 2; apart > 0; apart /= 2) {
      for (int v = 0; v < apart; ++v) sum[r][v] = sum[r][v] + sum[r][v + apart];
    }
    lanes[r] = sum[r][0];
  }
}

// c[cols], a vector of neighbours at a time: their lanes are turned, and added as whole vectors.
inline void multiply_dots(const Product& q, Range cols, float* c) {
  constexpr int N = Vec::N;
  for (std::int64_t j = cols.begin; j < cols.end; j += N, c += N) {
    const std::int64_t count = least(N, cols.end - j);
    Vec lanes[N];
    FASTNN_UNROLL
    for (int r = 0; r < N; r += kDotsTogether) {
      if (r < count) {
        dot_lanes(q, j + r, count - r, lanes + r);
      } else {
        FASTNN_UNROLL
        for (int i = r; i < r + kDotsTogether; ++i) lanes[i] = Vec::zero();
      }
    }
    transpose(lanes);
    FASTNN_UNROLL
    for (int apart = N / 2; apart > 0; apart /= 2) {
      for (int l = 0; l < apart; ++l) lanes[l] = lanes[l] + lanes[l + apart];
    }
    if (count == N) {
      lanes[0].store(c);
    } else {
      lanes[0].store(c, static_cast<int>(count));
    }
  }
}

// c[cols] of the plan's product, which has one row. Where it was turned, that is a column of C.
inline void multiply_vector(const Product& q, const Plan& plan, Range cols, float* c,
                            const Epilogue* epilogue) {
  c += cols.begin;
  const std::int64_t n = cols.end - cols.begin;
  if (plan.dots) {
    multiply_dots(q, cols, c);
  } else if (q.b.along_k) {
    multiply_columns(q, cols, c);
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
