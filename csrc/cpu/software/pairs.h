// Pairs of bf16 without instructions for them: what VCVTNE2PS2BF16 and VDPBF16PS do, written out.
//
// The files here are for tests: the loops of the bf16 products on any CPU, and their bits. No table
// of kernels has them, and they are not in the module.
#pragma once

#include <cstdint>

#include "cpu/generic/sizes.h"
#include "cpu/generic/transpose.h"

namespace fastnn::FASTNN_ISA {

using namespace generic;

FASTNN_INLINE float flush(float x) {  // denormals are zeros
  return __builtin_fabsf(x) < 0x1p-126f ? __builtin_copysignf(0.0f, x) : x;
}

// c + a b, rounded once; denormals, in and out, are zeros.
FASTNN_INLINE float multiply_add(float a, float b, float c) {
  return flush(__builtin_fmaf(flush(a), flush(b), flush(c)));
}

FASTNN_INLINE float as_float(std::uint32_t bits) { return __builtin_bit_cast(float, bits); }
FASTNN_INLINE float upper_half(std::int32_t word) {
  return as_float(static_cast<std::uint32_t>(word) & 0xffff0000);
}
FASTNN_INLINE float lower_half(std::int32_t word) {
  return as_float(static_cast<std::uint32_t>(word) << 16);
}

FASTNN_INLINE std::uint32_t to_bf16(float x) {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, flush(x));
  if (x != x) return bits >> 16 | 0x40;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

FASTNN_INLINE std::int32_t pair(float even, float odd) {
  return static_cast<std::int32_t>(to_bf16(odd) << 16 | to_bf16(even));
}

FASTNN_INLINE VecI pairs_along(Vec first, Vec second) {
  constexpr int N = Vec::N;
  const auto element = [&](int i) { return i < N ? first.v[i] : second.v[i - N]; };
  VecI words = VecI::zero();
  for (int i = 0; i < N; ++i) words.v[i] = pair(element(2 * i), element(2 * i + 1));
  return words;
}

FASTNN_INLINE VecI pairs_across(Vec even, Vec odd) {
  VecI words = VecI::zero();
  for (int i = 0; i < Vec::N; ++i) words.v[i] = pair(even.v[i], odd.v[i]);
  return words;
}

struct Halves {
  Vec first, second;
};
FASTNN_INLINE Halves halves_along(VecI words) {
  constexpr int N = Vec::N;
  float all[2 * N];
  for (int i = 0; i < N; ++i) {
    all[2 * i] = lower_half(words.v[i]), all[2 * i + 1] = upper_half(words.v[i]);
  }
  return {Vec::load(all), Vec::load(all + N)};
}

FASTNN_INLINE Vec dot(VecI a, VecI b, Vec c) {
  for (int i = 0; i < Vec::N; ++i) {
    const float upper = multiply_add(upper_half(a.v[i]), upper_half(b.v[i]), c.v[i]);
    c.v[i] = multiply_add(lower_half(a.v[i]), lower_half(b.v[i]), upper);
  }
  return c;
}

}  // namespace fastnn::FASTNN_ISA
