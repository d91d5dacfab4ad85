// An 8 x 8 block, rows to columns, in registers: swap within pairs of lanes, then pairs of pairs,
// then halves.
#pragma once

#include "cpu/avx2/vec.h"

namespace fastnn::avx2 {

// In each half, 4 x 4 floats.
FASTNN_INLINE void transpose_fours(__m256& a, __m256& b, __m256& c, __m256& d) {
  const __m256 ab = _mm256_unpacklo_ps(a, b), cd = _mm256_unpacklo_ps(c, d);
  const __m256 ba = _mm256_unpackhi_ps(a, b), dc = _mm256_unpackhi_ps(c, d);
  a = _mm256_shuffle_ps(ab, cd, 0x44);
  b = _mm256_shuffle_ps(ab, cd, 0xee);
  c = _mm256_shuffle_ps(ba, dc, 0x44);
  d = _mm256_shuffle_ps(ba, dc, 0xee);
}

FASTNN_INLINE __m256 halves(const float* left, const float* right) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(left)), _mm_loadu_ps(right), 1);
}

FASTNN_INLINE void transpose(Vec (&r)[8]) {
  FASTNN_UNROLL
  for (int i = 0; i < 8; i += 4) transpose_fours(r[i].v, r[i + 1].v, r[i + 2].v, r[i + 3].v);
  __m256 t[8];
  FASTNN_UNROLL
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm256_permute2f128_ps(r[i].v, r[i + 4].v, 0x20);
    t[i + 4] = _mm256_permute2f128_ps(r[i].v, r[i + 4].v, 0x31);
  }
  FASTNN_UNROLL
  for (int i = 0; i < 8; ++i) r[i].v = t[i];
}

// r = the 8 x 8 block at `from`, turned. Halves of rows come from memory where they belong, which
// spares one swap of three.
FASTNN_INLINE void load_transposed(const float* from, std::int64_t stride, Vec (&r)[8]) {
  FASTNN_UNROLL
  for (int i = 0; i < 4; ++i) {
    const float *upper = from + i * stride, *lower = upper + 4 * stride;
    r[i].v = halves(upper, lower);
    r[i + 4].v = halves(upper + 4, lower + 4);
  }
  FASTNN_UNROLL
  for (int i = 0; i < 8; i += 4) transpose_fours(r[i].v, r[i + 1].v, r[i + 2].v, r[i + 3].v);
}

}  // namespace fastnn::avx2
