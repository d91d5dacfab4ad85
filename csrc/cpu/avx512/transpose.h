// A 16 x 16 block, rows to columns, in registers: swap within pairs of lanes, then pairs of pairs,
// then quarters, then halves.
#pragma once

#include "cpu/avx512/vec.h"

namespace fastnn::avx512 {

// In each quarter, 4 x 4 floats.
FASTNN_INLINE void transpose_fours(__m512& a, __m512& b, __m512& c, __m512& d) {
  const __m512 ab = _mm512_unpacklo_ps(a, b), cd = _mm512_unpacklo_ps(c, d);
  const __m512 ba = _mm512_unpackhi_ps(a, b), dc = _mm512_unpackhi_ps(c, d);
  a = _mm512_shuffle_ps(ab, cd, 0x44);
  b = _mm512_shuffle_ps(ab, cd, 0xee);
  c = _mm512_shuffle_ps(ba, dc, 0x44);
  d = _mm512_shuffle_ps(ba, dc, 0xee);
}

FASTNN_INLINE __m512 halves(const float* left, const float* right) {
  return _mm512_mask_broadcast_f32x8(_mm512_castps256_ps512(_mm256_loadu_ps(left)), 0xff00,
                                     _mm256_loadu_ps(right));
}

FASTNN_INLINE void transpose(Vec (&r)[16]) {
  FASTNN_UNROLL
  for (int i = 0; i < 16; i += 4) transpose_fours(r[i].v, r[i + 1].v, r[i + 2].v, r[i + 3].v);
  __m512 t[16];
  FASTNN_UNROLL
  for (int i = 0; i < 16; i += 8) {
    FASTNN_UNROLL
    for (int j = i; j < i + 4; ++j) {
      t[j] = _mm512_shuffle_f32x4(r[j].v, r[j + 4].v, 0x88);
      t[j + 4] = _mm512_shuffle_f32x4(r[j].v, r[j + 4].v, 0xdd);
    }
  }
  FASTNN_UNROLL
  for (int i = 0; i < 8; ++i) {
    r[i].v = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
    r[i + 8].v = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
  }
}

// r = the 16 x 16 block at `from`, turned. Halves of rows come from memory where they belong, which
// spares one swap of four.
FASTNN_INLINE void load_transposed(const float* from, std::int64_t stride, Vec (&r)[16]) {
  FASTNN_UNROLL
  for (int half = 0; half < 2; ++half) {
    const float* rows = from + 8 * half * stride;
    // In pairs, as [4 rows x 8 | 4 rows x 8]: the left half of the columns, and the right one.
    FASTNN_UNROLL
    for (int i = 0; i < 4; ++i) {
      const float *upper = rows + i * stride, *lower = upper + 4 * stride;
      r[8 * half + i].v = halves(upper, lower);
      r[8 * half + 4 + i].v = halves(upper + 8, lower + 8);
    }
  }
  FASTNN_UNROLL
  for (int i = 0; i < 16; i += 4) transpose_fours(r[i].v, r[i + 1].v, r[i + 2].v, r[i + 3].v);
  // r[8 h + 4 c + j] = rows 8 h .. of the columns 8 c + j and 8 c + j + 4: their quarters
  // alternate.
  __m512 t[16];
  FASTNN_UNROLL
  for (int c = 0; c < 2; ++c) {
    FASTNN_UNROLL
    for (int j = 0; j < 4; ++j) {
      const __m512 upper = r[4 * c + j].v, lower = r[8 + 4 * c + j].v;
      t[8 * c + j] = _mm512_shuffle_f32x4(upper, lower, 0x88);
      t[8 * c + j + 4] = _mm512_shuffle_f32x4(upper, lower, 0xdd);
    }
  }
  FASTNN_UNROLL
  for (int i = 0; i < 16; ++i) r[i].v = t[i];
}

}  // namespace fastnn::avx512
