// The microkernel: one tile of C, kept in registers while k runs.
//
// A tile is MR rows by NV vectors. Each turn of the loop loads NV vectors of a row of B and
// broadcasts MR elements of a column of A: MR + NV loads feed MR * NV multiply-adds. One
// multiply-add takes about four cycles and one or two start in each, so at least eight must be
// under way; and there must be more of them than loads. So the tile is as large, and as square, as
// the registers allow: MR * NV accumulators, the vectors of the shorter side, and one of the
// longer. 8 x 3 takes 28 of the 32 registers of AVX-512, 6 x 2 takes 15 of the 16 of AVX2.
//
// 8 rows rather than 14 x 2: matrices often are a multiple of 1024 wide. Then the rows of a tile of
// C (or of A, read in place) lie a multiple of 4 KiB apart, where all share one set of the L1
// cache, and that has 8 lines.
//
// Where a turn of the loop has few multiply-adds, what only counts and moves pointers is a sizeable
// part of it: then kUnrolledK turns are one. On a Zen 3 whose cores another guest shared, 6 x 2
// went from 77 to 89 % of the peak; on a core of one's own it made no difference.
//
// A product of few rows has no square tile: up to kWideRows rows meet as many vectors as make
// kWideSums sums. That keeps enough multiply-adds under way, and reads B, of which little else is
// used again then, in pieces as long as can be. With AVX2, 1024 x 1024 from L3 for 3 rows took 2.6
// times as long as for 2 when only those had wide tiles.
//
// Every element of C is one chain: c = fma(a[p], b[p], c) for p ascending, starting from 0. That is
// so in every tile shape, in a masked tail and across the blocks of k (a later block continues from
// the value in C). Therefore its bits do not depend on where it lies in a tile, on which path or
// thread made it, or on how many rows the batch had.
#pragma once

#include <cstdint>

#include "cpu/inline.h"

namespace fastnn::FASTNN_ISA {

inline constexpr int kMostVecs = 8;  // of a strip of B, whatever its tiles' rows

// How many vectors a tile of so many rows has at most.
constexpr int most_vecs(std::int64_t rows) {
  if (rows > kWideRows) return kTileVecs;
  const int vecs = static_cast<int>(kWideSums / rows);
  return vecs < kMostVecs ? vecs : kMostVecs;
}

// c[MR, NV vectors] (+)= a[MR, k] b[k, NV vectors].
//   lda   kAlongK: A's rows lie lda apart and run along k; otherwise A's row i is at a + i, and
//         lda is the step from one k to the next (a transposed operand, or a packed panel)
//   tail  how many lanes of the last vector exist (kTail only): nothing beyond is read or written
//   first C is not read: the chains start from 0
template <int MR, int NV, bool kTail, bool kAlongK>
void tile(std::int64_t k, const float* a, std::int64_t lda, const float* b, std::int64_t ldb,
          float* c, std::int64_t ldc, int tail, bool first) {
  constexpr int N = Vec::N;
  const auto load = [tail](const float* row, int j) {
    return kTail && j == NV - 1 ? Vec::load(row + j * N, tail) : Vec::load(row + j * N);
  };

  Vec acc[MR][NV];
  FASTNN_UNROLL
  for (int i = 0; i < MR; ++i) {
    FASTNN_UNROLL
    for (int j = 0; j < NV; ++j) acc[i][j] = first ? Vec::zero() : load(c + i * ldc, j);
  }

  // x86 addresses base + 1 or 2 times an index: one base for every three rows spares registers.
  constexpr int kBases = kAlongK ? (MR + 2) / 3 : 1;
  const float* base[kBases];
  FASTNN_UNROLL
  for (int i = 0; i < kBases; ++i) base[i] = a + 3 * i * lda;

  FASTNN_UNROLL_BY(kUnrolledK)
  for (std::int64_t p = 0; p < k; ++p) {
    const auto element = [&](int i) {
      return Vec::set(kAlongK ? base[i / 3][i % 3 * lda] : base[0][i]);
    };
    if constexpr (MR < NV) {  // the side with fewer instructions waits in registers
      Vec column[MR];
      FASTNN_UNROLL
      for (int i = 0; i < MR; ++i) column[i] = element(i);
      FASTNN_UNROLL
      for (int j = 0; j < NV; ++j) {
        const Vec y = load(b, j);
        FASTNN_UNROLL
        for (int i = 0; i < MR; ++i) acc[i][j] = fma(column[i], y, acc[i][j]);
      }
    } else {
      Vec row[NV];
      FASTNN_UNROLL
      for (int j = 0; j < NV; ++j) row[j] = load(b, j);
      FASTNN_UNROLL
      for (int i = 0; i < MR; ++i) {
        const Vec x = element(i);
        FASTNN_UNROLL
        for (int j = 0; j < NV; ++j) acc[i][j] = fma(x, row[j], acc[i][j]);
      }
    }
    FASTNN_UNROLL
    for (int i = 0; i < kBases; ++i) base[i] += kAlongK ? 1 : lda;
    b += ldb;
  }

  FASTNN_UNROLL
  for (int i = 0; i < MR; ++i) {
    FASTNN_UNROLL
    for (int j = 0; j < NV; ++j) {
      float* to = c + i * ldc + j * N;
      if (kTail && j == NV - 1) {
        acc[i][j].store(to, tail);
      } else {
        acc[i][j].store(to);
      }
    }
  }
}

using Tile = void (*)(std::int64_t k, const float* a, std::int64_t lda, const float* b,
                      std::int64_t ldb, float* c, std::int64_t ldc, int tail, bool first);

// The instance for a number of rows and vectors, which is at most most_vecs(rows).
template <bool kTail, bool kAlongK, int MR = kTileRows, int NV = most_vecs(MR)>
Tile find_tile(int rows, int vecs) {
  if constexpr (MR > 1) {
    if (rows != MR) return find_tile<kTail, kAlongK, MR - 1>(rows, vecs);
  }
  if constexpr (NV > 1) {
    if (vecs != NV) return find_tile<kTail, kAlongK, MR, NV - 1>(rows, vecs);
  }
  return &tile<MR, NV, kTail, kAlongK>;
}

}  // namespace fastnn::FASTNN_ISA
