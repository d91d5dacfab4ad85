// A 16 x 16 block, rows to columns, in registers: swap within pairs of lanes, then pairs of pairs,
// then quarters, then halves.
#pragma once

#include "cpu/avx512/vec.h"

namespace fastnn::avx512 {

FASTNN_INLINE void transpose(Vec (&r)[16]) {
  __m512 t[16];
  FASTNN_UNROLL
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i].v, r[i + 1].v);
    t[i + 1] = _mm512_unpackhi_ps(r[i].v, r[i + 1].v);
  }
  __m512 u[16];
  FASTNN_UNROLL
  for (int i = 0; i < 16; i += 4) {
    u[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
    u[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
    u[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    u[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
  FASTNN_UNROLL
  for (int i = 0; i < 16; i += 8) {
    FASTNN_UNROLL
    for (int j = i; j < i + 4; ++j) {
      t[j] = _mm512_shuffle_f32x4(u[j], u[j + 4], 0x88);
      t[j + 4] = _mm512_shuffle_f32x4(u[j], u[j + 4], 0xdd);
    }
  }
  FASTNN_UNROLL
  for (int i = 0; i < 8; ++i) {
    r[i].v = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
    r[i + 8].v = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
  }
}

}  // namespace fastnn::avx512
