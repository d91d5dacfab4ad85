// Packing: a piece of an operand, copied so that the microkernel reads it straight on.
//
// A packed panel is [k][width]: for each k, the `width` elements that one turn of the microkernel
// needs lie side by side. The panel of A is as wide as a tile has rows, that of B as the tile has
// lanes.
//
// Panels are written front to back in whole vectors: what a vector writes beyond its row is
// overwritten by the next row, and what the last row writes beyond the panel by the next panel.
// So the scratch needs room for one vector (kPackSlack) at its end.
#pragma once

#include <cstdint>

#include "cpu/gemm/tile.h"
#include "cpu/inline.h"

namespace fastnn::FASTNN_ISA {

inline constexpr std::int64_t kPackSlack = Vec::N;

// An operand, seen as `k` x `others`: element (p, i) is at data[p * stride + i], or, where the
// matrix lies along k, at data[i * stride + p].
struct Matrix {
  const float* data;
  std::int64_t stride;
  bool along_k;

  FASTNN_INLINE const float* at(std::int64_t p, std::int64_t i) const {
    return data + (along_k ? i * stride + p : p * stride + i);
  }
};

// The matrix that begins at element (p, i) of another.
FASTNN_INLINE Matrix corner(const Matrix& x, std::int64_t p, std::int64_t i) {
  return {x.at(p, i), x.stride, x.along_k};
}

// The first n of a vector's lanes, or all where n is more.
FASTNN_INLINE Vec load_up_to(const float* p, std::int64_t n) {
  return n >= Vec::N ? Vec::load(p) : Vec::load(p, static_cast<int>(n));
}

// to[k][width] = from[k][V vectors, the last of `tail` lanes]: rows of `from` lie stride apart.
template <int V, bool kTail>
void copy_rows(const float* from, std::int64_t stride, std::int64_t k, int tail, std::int64_t width,
               float* to) {
  for (std::int64_t p = 0; p < k; ++p, from += stride, to += width) {
    FASTNN_UNROLL
    for (int v = 0; v < V; ++v) {
      const float* x = from + v * Vec::N;
      (kTail && v == V - 1 ? Vec::load(x, tail) : Vec::load(x)).store(to + v * Vec::N);
    }
  }
}

// to[k][width] = from[k][count], count <= width. A panel is no wider than a tile.
template <int V = kMostVecs>
void pack_rows(const float* from, std::int64_t stride, std::int64_t k, std::int64_t count,
               std::int64_t width, float* to) {
  const int tail = static_cast<int>(count - (V - 1) * Vec::N);
  if constexpr (V > 1) {
    if (tail <= 0) return pack_rows<V - 1>(from, stride, k, count, width, to);
  }
  (tail < Vec::N ? copy_rows<V, true> : copy_rows<V, false>)(from, stride, k, tail, width, to);
}

// to[k][width] = from[count][k] transposed, N x N at a time.
inline void pack_columns(const float* from, std::int64_t stride, std::int64_t k, std::int64_t count,
                         std::int64_t width, float* to) {
  constexpr int N = Vec::N;
  for (std::int64_t i = 0; i < count; i += N) {
    for (std::int64_t p = 0; p < k; p += N) {
      Vec block[N];
      const float* corner = from + i * stride + p;
      if (i + N <= count && p + N <= k) {
        load_transposed(corner, stride, block);
      } else {
        FASTNN_UNROLL
        for (int r = 0; r < N; ++r) {
          block[r] = i + r < count ? load_up_to(corner + r * stride, k - p) : Vec::zero();
        }
        transpose(block);
      }
      FASTNN_UNROLL
      for (int r = 0; r < N; ++r) {
        if (p + r < k) block[r].store(to + (p + r) * width + i);
      }
    }
  }
}

FASTNN_INLINE void pack(const Matrix& from, std::int64_t p, std::int64_t i, std::int64_t k,
                        std::int64_t count, std::int64_t width, float* to) {
  (from.along_k ? pack_columns : pack_rows<>)(from.at(p, i), from.stride, k, count, width, to);
}

}  // namespace fastnn::FASTNN_ISA
