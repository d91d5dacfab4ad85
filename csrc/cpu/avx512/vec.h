// Sixteen lanes: AVX-512 F, BW, DQ and VL. The interface is explained in `generic/vec.h`.
#pragma once

#ifdef __clang__
#include <immintrin.h>
#else  // GCC 12 takes the undefined source of its own unmasked intrinsics for a mistake (PR 105593)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

#include <cstdint>

#include "cpu/inline.h"

namespace fastnn::avx512 {

struct Mask {
  __mmask16 v;  // one bit a lane

  FASTNN_INLINE static Mask first(int n) {  // lanes 0 .. n-1
    return {static_cast<__mmask16>((1u << n) - 1)};
  }
};

// int32 lanes. Arithmetic wraps around.
struct VecI {
  static constexpr int N = 16;
  __m512i v;

  FASTNN_INLINE static VecI load(const std::int32_t* p) { return {_mm512_loadu_si512(p)}; }
  FASTNN_INLINE static VecI load(const std::int32_t* p, int n) {
    return {_mm512_maskz_loadu_epi32(Mask::first(n).v, p)};
  }
  FASTNN_INLINE void store(std::int32_t* p) const { _mm512_storeu_si512(p, v); }
  FASTNN_INLINE void store(std::int32_t* p, int n) const {
    _mm512_mask_storeu_epi32(p, Mask::first(n).v, v);
  }
  FASTNN_INLINE static VecI set(std::int32_t x) { return {_mm512_set1_epi32(x)}; }
  FASTNN_INLINE static VecI zero() { return {_mm512_setzero_si512()}; }
  FASTNN_INLINE static VecI iota() {
    return {_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)};
  }
};

// float32 lanes.
struct Vec {
  static constexpr int N = 16;
  __m512 v;

  FASTNN_INLINE static Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  FASTNN_INLINE static Vec load(const float* p, int n) {
    return {_mm512_maskz_loadu_ps(Mask::first(n).v, p)};
  }
  FASTNN_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }
  FASTNN_INLINE void store(float* p, int n) const { _mm512_mask_storeu_ps(p, Mask::first(n).v, v); }
  FASTNN_INLINE static Vec set(float x) { return {_mm512_set1_ps(x)}; }
  FASTNN_INLINE static Vec zero() { return {_mm512_setzero_ps()}; }

  // Loads that convert.
  FASTNN_INLINE static Vec load_u8(const std::uint8_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))};
  }
  FASTNN_INLINE static Vec load_u8(const std::uint8_t* p, int n) {
    const __m128i bytes = _mm_maskz_loadu_epi8(Mask::first(n).v, p);
    return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))};
  }
  FASTNN_INLINE static Vec load_i32(const std::int32_t* p) {
    return {_mm512_cvtepi32_ps(VecI::load(p).v)};
  }
  FASTNN_INLINE static Vec load_i32(const std::int32_t* p, int n) {
    return {_mm512_cvtepi32_ps(VecI::load(p, n).v)};
  }
};

// ---- bit casts and conversions
FASTNN_INLINE VecI as_int(Vec a) { return {_mm512_castps_si512(a.v)}; }
FASTNN_INLINE Vec as_float(VecI a) { return {_mm512_castsi512_ps(a.v)}; }
FASTNN_INLINE Vec to_float(VecI a) { return {_mm512_cvtepi32_ps(a.v)}; }
// Truncates; callers round first. Lanes outside int32 are undefined.
FASTNN_INLINE VecI to_int(Vec a) { return {_mm512_cvttps_epi32(a.v)}; }

// ---- int32 lanes
FASTNN_INLINE VecI operator+(VecI a, VecI b) { return {_mm512_add_epi32(a.v, b.v)}; }
FASTNN_INLINE VecI operator-(VecI a, VecI b) { return {_mm512_sub_epi32(a.v, b.v)}; }
FASTNN_INLINE VecI operator*(VecI a, VecI b) {  // low 32 bits
  return {_mm512_mullo_epi32(a.v, b.v)};
}
FASTNN_INLINE VecI mulhi(VecI a, VecI b) {  // high 32 bits of the unsigned product
  const __m512i even = _mm512_mul_epu32(a.v, b.v);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a.v, 32), _mm512_srli_epi64(b.v, 32));
  return {_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd)};
}
FASTNN_INLINE VecI operator&(VecI a, VecI b) { return {_mm512_and_si512(a.v, b.v)}; }
FASTNN_INLINE VecI operator|(VecI a, VecI b) { return {_mm512_or_si512(a.v, b.v)}; }
FASTNN_INLINE VecI operator^(VecI a, VecI b) { return {_mm512_xor_si512(a.v, b.v)}; }
FASTNN_INLINE VecI shift_left(VecI a, int n) {
  return {_mm512_slli_epi32(a.v, static_cast<unsigned>(n))};
}
FASTNN_INLINE VecI shift_right(VecI a, int n) {  // zeros come in
  return {_mm512_srli_epi32(a.v, static_cast<unsigned>(n))};
}
FASTNN_INLINE VecI shift_right_signed(VecI a, int n) {
  return {_mm512_srai_epi32(a.v, static_cast<unsigned>(n))};
}
FASTNN_INLINE Mask eq(VecI a, VecI b) { return {_mm512_cmpeq_epi32_mask(a.v, b.v)}; }
FASTNN_INLINE Mask gt(VecI a, VecI b) { return {_mm512_cmpgt_epi32_mask(a.v, b.v)}; }

// ---- masks
FASTNN_INLINE Mask operator&(Mask a, Mask b) { return {static_cast<__mmask16>(a.v & b.v)}; }
FASTNN_INLINE Mask operator|(Mask a, Mask b) { return {static_cast<__mmask16>(a.v | b.v)}; }
FASTNN_INLINE Mask operator~(Mask a) { return {static_cast<__mmask16>(~a.v)}; }
// One bit a lane, lane 0 lowest.
FASTNN_INLINE unsigned bits(Mask a) { return a.v; }
FASTNN_INLINE bool any(Mask a) { return a.v != 0; }
FASTNN_INLINE bool all(Mask a) { return a.v == 0xffff; }
FASTNN_INLINE Vec select(Mask m, Vec a, Vec b) { return {_mm512_mask_blend_ps(m.v, b.v, a.v)}; }
FASTNN_INLINE VecI select(Mask m, VecI a, VecI b) {
  return {_mm512_mask_blend_epi32(m.v, b.v, a.v)};
}

// ---- float32 lanes
FASTNN_INLINE Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
FASTNN_INLINE Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
FASTNN_INLINE Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
FASTNN_INLINE Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
FASTNN_INLINE Vec operator-(Vec a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
FASTNN_INLINE Vec fma(Vec a, Vec b, Vec c) {  // a*b + c
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
FASTNN_INLINE Vec fnma(Vec a, Vec b, Vec c) {  // c - a*b
  return {_mm512_fnmadd_ps(a.v, b.v, c.v)};
}

FASTNN_INLINE Mask lt(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
FASTNN_INLINE Mask le(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
FASTNN_INLINE Mask gt(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
FASTNN_INLINE Mask ge(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)}; }
FASTNN_INLINE Mask eq(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
FASTNN_INLINE Mask is_nan(Vec a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }

FASTNN_INLINE Vec abs(Vec a) { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.v)}; }
FASTNN_INLINE Vec copy_sign(Vec magnitude, Vec sign) {
  return {_mm512_or_ps(_mm512_and_ps(_mm512_set1_ps(-0.0f), sign.v), abs(magnitude).v)};
}
FASTNN_INLINE Vec sqrt(Vec a) { return {_mm512_sqrt_ps(a.v)}; }
// NaN if either is NaN: the instruction gives its second operand where the order is undefined,
// which is the wrong one only where the first is NaN; there the mask keeps the first.
FASTNN_INLINE Vec max(Vec a, Vec b) { return {_mm512_mask_max_ps(a.v, (~is_nan(a)).v, a.v, b.v)}; }
FASTNN_INLINE Vec min(Vec a, Vec b) { return {_mm512_mask_min_ps(a.v, (~is_nan(a)).v, a.v, b.v)}; }
FASTNN_INLINE Vec round(Vec a) {  // to nearest, ties to even
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Vec floor(Vec a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Vec ldexp(Vec a, VecI n) {  // a * 2^n
  return {_mm512_scalef_ps(a.v, to_float(n).v)};
}

// ---- across lanes, always by the same tree
FASTNN_INLINE float hsum(Vec a) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
FASTNN_INLINE float hmax(Vec a) {  // NaN if any lane is
  const Vec b = max(a, {_mm512_shuffle_f32x4(a.v, a.v, 0x4e)});
  const Vec c = max(b, {_mm512_shuffle_f32x4(b.v, b.v, 0xb1)});
  const Vec d = max(c, {_mm512_permute_ps(c.v, 0x4e)});
  return _mm512_cvtss_f32(max(d, {_mm512_permute_ps(d.v, 0xb1)}).v);
}

}  // namespace fastnn::avx512
