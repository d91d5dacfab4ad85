// bf16 products of few rows, by dots. Packing a B that is used once or twice costs more than using
// it, so here its pairs stay in registers: rows of B are read from end to end, a group of pairs of
// them at a time, and the sums wait in C for the next group. The chains are those of `dot_unit.h`.
#pragma once

#include <cstdint>

#include "cpu/gemm/finish.h"
#include "cpu/gemm/pairs.h"

namespace fastnn::FASTNN_ISA {

namespace base = FASTNN_BASE;

inline constexpr int kDirectRows = 4;  // at most

// Pairs in a group: the more, the fewer times C is read and written; but the rows of B are often a
// multiple of 4 KiB apart, where all share one set of the L1 cache.
template <int MR>
inline constexpr int kGroup = MR == 1 ? 4 : 8;

// c[MR, NV vectors] (+)= a[MR, :] b for `k` rows of B, at most a group. Where kTail, the last
// vector has `tail` lanes.
template <int MR, int NV, bool kTail>
FASTNN_INLINE void dot_group(std::int64_t k, const Pair* a, std::int64_t lda, const float* b,
                             std::int64_t ldb, float* c, std::int64_t ldc, int tail, bool first) {
  constexpr int N = Vec::N;
  Vec acc[MR][NV];
  FASTNN_UNROLL
  for (int i = 0; i < MR; ++i) {
    FASTNN_UNROLL
    for (int v = 0; v < NV; ++v) {
      const float* from = c + i * ldc + v * N;
      acc[i][v] = first                  ? Vec::zero()
                  : kTail && v == NV - 1 ? Vec::load(from, tail)
                                         : Vec::load(from);
    }
  }
  const auto add = [&](std::int64_t p, auto load) {
    VecI words[NV];
    FASTNN_UNROLL
    for (int v = 0; v < NV; ++v) words[v] = load(b + 2 * p * ldb + v * N, v);
    FASTNN_UNROLL
    for (int i = 0; i < MR; ++i) {
      const VecI x = VecI::set(a[i * lda + p]);
      FASTNN_UNROLL
      for (int v = 0; v < NV; ++v) acc[i][v] = dot(x, words[v], acc[i][v]);
    }
  };
  const auto whole = [&](const float* from, int v) {
    return kTail && v == NV - 1 ? pairs_across(Vec::load(from, tail), Vec::load(from + ldb, tail))
                                : pairs_across(Vec::load(from), Vec::load(from + ldb));
  };
  if (k == 2 * kGroup<MR>) {
    FASTNN_UNROLL
    for (int p = 0; p < kGroup<MR>; ++p) add(p, whole);
  } else {
    for (std::int64_t p = 0; p < pairs_of(k); ++p) {
      add(p, [&](const float* from, int v) {
        return load_pairs_across<1>(from, ldb, k - 2 * p, kTail && v == NV - 1 ? tail : N).term[0];
      });
    }
  }
  FASTNN_UNROLL
  for (int i = 0; i < MR; ++i) {
    FASTNN_UNROLL
    for (int v = 0; v < NV; ++v) {
      float* to = c + i * ldc + v * N;
      if (kTail && v == NV - 1) {
        acc[i][v].store(to, tail);
      } else {
        acc[i][v].store(to);
      }
    }
  }
}

// c[MR, cols] = a[MR, k] b[k, cols]; a is packed along k, b lies in memory as it is.
template <int MR>
void dot_rows(const Matrix& b, std::int64_t k, std::int64_t cols, const Pair* a, std::int64_t lda,
              float* c, std::int64_t ldc) {
  constexpr int N = Vec::N;
  for (std::int64_t p = 0; p < pairs_of(k); p += kGroup<MR>) {
    const std::int64_t rows = least(2 * kGroup<MR>, k - 2 * p);
    const float* from = b.data + 2 * p * b.stride;
    const bool first = p == 0;
    std::int64_t j = 0;
    for (; j + 2 * N <= cols; j += 2 * N) {
      dot_group<MR, 2, false>(rows, a + p, lda, from + j, b.stride, c + j, ldc, N, first);
    }
    for (; j < cols; j += N) {
      const int tail = static_cast<int>(least(N, cols - j));
      dot_group<MR, 1, true>(rows, a + p, lda, from + j, b.stride, c + j, ldc, tail, first);
    }
  }
}

using DotRows = void (*)(const Matrix& b, std::int64_t k, std::int64_t cols, const Pair* a,
                         std::int64_t lda, float* c, std::int64_t ldc);

template <int MR = kDirectRows>
DotRows find_dot_rows(int rows) {
  if constexpr (MR > 1) {
    if (rows != MR) return find_dot_rows<MR - 1>(rows);
  }
  return &dot_rows<MR>;
}

FASTNN_INLINE bool is_direct(const Product& q) { return q.m <= kDirectRows && !q.b.along_k; }

FASTNN_INLINE std::int64_t direct_words(const Product& q) {  // of a thread's scratch
  return least(q.m, kDirectRows) * round_up(pairs_of(q.k), Vec::N);
}

// The columns `cols` of C, which is at c.
inline void multiply_directly(const Product& q, const Call& call, Range cols, float* c,
                              void* scratch) {
  const std::int64_t width = cols.end - cols.begin, lda = round_up(pairs_of(q.k), Vec::N);
  if (width <= 0) return;
  Pair* a = static_cast<Pair*>(scratch);
  pack_along<1>(q.a, q.k, q.m, lda, a);
  c += cols.begin;
  find_dot_rows(static_cast<int>(q.m))(corner(q.b, 0, cols.begin), q.k, width, a, lda, c, q.n);
  if (base::has_epilogue(call)) base::finish_tile(call, {0, cols.begin, q.m, width}, c, q.n);
}

}  // namespace fastnn::FASTNN_ISA
