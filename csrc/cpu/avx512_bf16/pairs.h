// Pairs of bf16 in the lanes of AVX-512, by AVX512-BF16. `gemm/pairs.h` says what they are.
#pragma once

#include "cpu/avx512/sizes.h"
#include "cpu/avx512/transpose.h"

namespace fastnn::avx512_bf16 {

using namespace avx512;

FASTNN_INLINE VecI pairs_along(Vec first, Vec second) {
  return {reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second.v, first.v))};
}

FASTNN_INLINE VecI pairs_across(Vec even, Vec odd) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return {_mm512_permutexvar_epi16(order, pairs_along(even, odd).v)};
}

struct Halves {
  Vec first, second;
};
FASTNN_INLINE Halves halves_along(VecI words) {
  const auto widened = [](__m256i half) {
    return Vec{_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16))};
  };
  return {widened(_mm512_castsi512_si256(words.v)), widened(_mm512_extracti64x4_epi64(words.v, 1))};
}

// Two roundings: of c + the upper halves' product, then of that + the lower halves'. Denormals,
// in and out, are zeros.
FASTNN_INLINE Vec dot(VecI a, VecI b, Vec c) {
  return {_mm512_dpbf16_ps(c.v, reinterpret_cast<__m512bh>(a.v), reinterpret_cast<__m512bh>(b.v))};
}

}  // namespace fastnn::avx512_bf16
