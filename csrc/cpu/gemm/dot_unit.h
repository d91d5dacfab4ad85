// The microkernel of a bf16 product over vectors of pairs: `tile.h` with `dot` for multiply-add.
//
// Every element of C is one chain of dots in ascending k, whatever the tile, block or thread.
#pragma once

#include <cstdint>

#include "cpu/gemm/pairs.h"

namespace fastnn::FASTNN_ISA {

struct DotUnit {
  static constexpr int kRows = kTileRows, kVecs = kTileVecs;
  static constexpr int kLanes = Vec::N;
  static constexpr int kStep = 1;          // pairs of k in one step
  static constexpr int kTerms = 1;         // bf16 parts of each value
  static constexpr int kRowsPerCycle = 1;  // of a tile, for each vector and pair
  static constexpr bool kDots = true;

  // A block of A: row i is at data + i * ld, its words along k; or at data + i, ld from one pair
  // to the next.
  struct Packed {
    const Pair* data;
    std::int64_t ld;
    bool along_k;
  };

  // Rows an odd number of cache lines apart: those of a tile shall not share one set of the L1.
  static std::int64_t a_words(std::int64_t rows, std::int64_t pairs) {
    return round_up(rows, Vec::N) * (round_up(pairs, 16) + 16);
  }

  static Packed pack_a(const Matrix& a, std::int64_t k, std::int64_t rows, std::int64_t pairs,
                       Pair* to) {
    if (a.along_k) {
      const std::int64_t ld = (ceil_div(pairs, 16) | 1) * 16;
      pack_along<1>(a, k, rows, ld, to);
      return {to, ld, true};
    }
    const std::int64_t ld = round_up(rows, Vec::N);
    pack_across<1>(a, k, rows, pairs, ld, to);
    return {to, ld, false};
  }

  static void pack_b(const Matrix& b, std::int64_t k, std::int64_t cols, std::int64_t pairs,
                     std::int64_t width, Pair* to, std::int64_t) {
    pack_across<1>(b, k, cols, pairs, width, to);
  }

  // c[rows, cols] (+)= a[row .. row + rows, :] b, where b is packed as `vecs` vectors.
  static void tile(const Packed& a, std::int64_t row, int rows, const Pair* b, int vecs,
                   std::int64_t pairs, float* c, std::int64_t ldc, std::int64_t cols, bool first);

  static void release() {}
};

// c[MR, NV vectors] (+)= a[MR, :] b[:, NV vectors]; the last vector has `tail` lanes in C. Where
// `first`, C is not read: the chains start from 0.
template <int MR, int NV, bool kAlongK>
void dot_tile(std::int64_t pairs, const Pair* a, std::int64_t lda, const Pair* b, float* c,
              std::int64_t ldc, int tail, bool first) {
  constexpr int N = Vec::N;
  Vec acc[MR][NV];
  FASTNN_UNROLL
  for (int i = 0; i < MR; ++i) {
    FASTNN_UNROLL
    for (int j = 0; j < NV; ++j) {
      const float* from = c + i * ldc + j * N;
      acc[i][j] = first ? Vec::zero() : load_up_to(from, j == NV - 1 ? tail : N);
    }
  }

  // x86 addresses base + 1 or 2 times an index: one base for every three rows spares registers.
  constexpr int kBases = kAlongK ? (MR + 2) / 3 : 1;
  const Pair* base[kBases];
  FASTNN_UNROLL
  for (int i = 0; i < kBases; ++i) base[i] = a + 3 * i * lda;

  for (std::int64_t p = 0; p < pairs; ++p) {
    VecI row[NV];
    FASTNN_UNROLL
    for (int j = 0; j < NV; ++j) row[j] = VecI::load(b + j * N);
    FASTNN_UNROLL
    for (int i = 0; i < MR; ++i) {
      const VecI x = VecI::set(kAlongK ? base[i / 3][i % 3 * lda] : base[0][i]);
      FASTNN_UNROLL
      for (int j = 0; j < NV; ++j) acc[i][j] = dot(x, row[j], acc[i][j]);
    }
    FASTNN_UNROLL
    for (int i = 0; i < kBases; ++i) base[i] += kAlongK ? 1 : lda;
    b += NV * N;
  }

  FASTNN_UNROLL
  for (int i = 0; i < MR; ++i) {
    FASTNN_UNROLL
    for (int j = 0; j < NV; ++j) {
      float* to = c + i * ldc + j * N;
      if (j < NV - 1 || tail == N) {
        acc[i][j].store(to);
      } else {
        acc[i][j].store(to, tail);
      }
    }
  }
}

using DotTile = void (*)(std::int64_t pairs, const Pair* a, std::int64_t lda, const Pair* b,
                         float* c, std::int64_t ldc, int tail, bool first);

template <bool kAlongK, int MR = DotUnit::kRows, int NV = DotUnit::kVecs>
DotTile find_dot_tile(int rows, int vecs) {
  if constexpr (NV > 1) {
    if (vecs != NV) return find_dot_tile<kAlongK, MR, NV - 1>(rows, vecs);
  }
  if constexpr (MR > 1) {
    if (rows != MR) return find_dot_tile<kAlongK, MR - 1, NV>(rows, vecs);
  }
  return &dot_tile<MR, NV, kAlongK>;
}

inline void DotUnit::tile(const Packed& a, std::int64_t row, int rows, const Pair* b, int vecs,
                          std::int64_t pairs, float* c, std::int64_t ldc, std::int64_t cols,
                          bool first) {
  const int tail = static_cast<int>(cols - (vecs - 1) * Vec::N);
  const DotTile found =
      a.along_k ? find_dot_tile<true>(rows, vecs) : find_dot_tile<false>(rows, vecs);
  found(pairs, a.data + (a.along_k ? row * a.ld : row), a.ld, b, c, ldc, tail, first);
}

}  // namespace fastnn::FASTNN_ISA
