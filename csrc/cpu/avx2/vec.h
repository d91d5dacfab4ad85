// Eight lanes: AVX2 and FMA. The interface is explained in `generic/vec.h`.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/inline.h"

namespace fastnn::avx2 {

struct Mask {
  __m256 v;  // a lane is all ones (true) or all zeros

  FASTNN_INLINE static Mask first(int n) {  // lanes 0 .. n-1
    const __m256i iota = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n), iota))};
  }
  FASTNN_INLINE __m256i as_int() const { return _mm256_castps_si256(v); }
};

// int32 lanes. Arithmetic wraps around.
struct VecI {
  static constexpr int N = 8;
  __m256i v;

  FASTNN_INLINE static VecI load(const std::int32_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
  }
  FASTNN_INLINE static VecI load(const std::int32_t* p, int n) {
    return {_mm256_maskload_epi32(p, Mask::first(n).as_int())};
  }
  FASTNN_INLINE void store(std::int32_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
  }
  FASTNN_INLINE void store(std::int32_t* p, int n) const {
    _mm256_maskstore_epi32(p, Mask::first(n).as_int(), v);
  }
  FASTNN_INLINE static VecI set(std::int32_t x) { return {_mm256_set1_epi32(x)}; }
  FASTNN_INLINE static VecI zero() { return {_mm256_setzero_si256()}; }
  FASTNN_INLINE static VecI iota() { return {_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)}; }
};

// float32 lanes.
struct Vec {
  static constexpr int N = 8;
  __m256 v;

  FASTNN_INLINE static Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  FASTNN_INLINE static Vec load(const float* p, int n) {
    return {_mm256_maskload_ps(p, Mask::first(n).as_int())};
  }
  FASTNN_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }
  FASTNN_INLINE void store(float* p, int n) const {
    _mm256_maskstore_ps(p, Mask::first(n).as_int(), v);
  }
  FASTNN_INLINE static Vec set(float x) { return {_mm256_set1_ps(x)}; }
  FASTNN_INLINE static Vec zero() { return {_mm256_setzero_ps()}; }

  // Loads that convert.
  FASTNN_INLINE static Vec load_u8(const std::uint8_t* p) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes))};
  }
  FASTNN_INLINE static Vec load_u8(const std::uint8_t* p, int n) {
    std::uint64_t bytes = 0;  // there is no masked load of bytes before AVX-512
    for (int i = 0; i < n; ++i) bytes |= static_cast<std::uint64_t>(p[i]) << (8 * i);
    const __m128i low = _mm_cvtsi64_si128(static_cast<long long>(bytes));
    return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(low))};
  }
  FASTNN_INLINE static Vec load_i32(const std::int32_t* p) {
    return {_mm256_cvtepi32_ps(VecI::load(p).v)};
  }
  FASTNN_INLINE static Vec load_i32(const std::int32_t* p, int n) {
    return {_mm256_cvtepi32_ps(VecI::load(p, n).v)};
  }
};

// ---- bit casts and conversions
FASTNN_INLINE VecI as_int(Vec a) { return {_mm256_castps_si256(a.v)}; }
FASTNN_INLINE Vec as_float(VecI a) { return {_mm256_castsi256_ps(a.v)}; }
FASTNN_INLINE Vec to_float(VecI a) { return {_mm256_cvtepi32_ps(a.v)}; }
// Truncates; callers round first. Lanes outside int32 are undefined.
FASTNN_INLINE VecI to_int(Vec a) { return {_mm256_cvttps_epi32(a.v)}; }

// ---- int32 lanes
FASTNN_INLINE VecI operator+(VecI a, VecI b) { return {_mm256_add_epi32(a.v, b.v)}; }
FASTNN_INLINE VecI operator-(VecI a, VecI b) { return {_mm256_sub_epi32(a.v, b.v)}; }
FASTNN_INLINE VecI operator*(VecI a, VecI b) {  // low 32 bits
  return {_mm256_mullo_epi32(a.v, b.v)};
}
FASTNN_INLINE VecI mulhi(VecI a, VecI b) {  // high 32 bits of the unsigned product
  const __m256i even = _mm256_mul_epu32(a.v, b.v);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a.v, 32), _mm256_srli_epi64(b.v, 32));
  return {_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa)};
}
FASTNN_INLINE VecI operator&(VecI a, VecI b) { return {_mm256_and_si256(a.v, b.v)}; }
FASTNN_INLINE VecI operator|(VecI a, VecI b) { return {_mm256_or_si256(a.v, b.v)}; }
FASTNN_INLINE VecI operator^(VecI a, VecI b) { return {_mm256_xor_si256(a.v, b.v)}; }
FASTNN_INLINE VecI shift_left(VecI a, int n) { return {_mm256_slli_epi32(a.v, n)}; }
FASTNN_INLINE VecI shift_right(VecI a, int n) {  // zeros come in
  return {_mm256_srli_epi32(a.v, n)};
}
FASTNN_INLINE VecI shift_right_signed(VecI a, int n) { return {_mm256_srai_epi32(a.v, n)}; }
FASTNN_INLINE Mask eq(VecI a, VecI b) {
  return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.v, b.v))};
}
FASTNN_INLINE Mask gt(VecI a, VecI b) {
  return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(a.v, b.v))};
}

// ---- masks
FASTNN_INLINE Mask operator&(Mask a, Mask b) { return {_mm256_and_ps(a.v, b.v)}; }
FASTNN_INLINE Mask operator|(Mask a, Mask b) { return {_mm256_or_ps(a.v, b.v)}; }
FASTNN_INLINE Mask operator~(Mask a) {
  return {_mm256_xor_ps(a.v, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))};
}
// One bit a lane, lane 0 lowest.
FASTNN_INLINE unsigned bits(Mask a) { return static_cast<unsigned>(_mm256_movemask_ps(a.v)); }
FASTNN_INLINE bool any(Mask a) { return _mm256_movemask_ps(a.v) != 0; }
FASTNN_INLINE bool all(Mask a) { return _mm256_movemask_ps(a.v) == 0xff; }
FASTNN_INLINE Vec select(Mask m, Vec a, Vec b) { return {_mm256_blendv_ps(b.v, a.v, m.v)}; }
FASTNN_INLINE VecI select(Mask m, VecI a, VecI b) {
  return as_int(select(m, as_float(a), as_float(b)));
}

// ---- float32 lanes
FASTNN_INLINE Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
FASTNN_INLINE Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
FASTNN_INLINE Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
FASTNN_INLINE Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
FASTNN_INLINE Vec operator-(Vec a) { return {_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0f))}; }
FASTNN_INLINE Vec fma(Vec a, Vec b, Vec c) {  // a*b + c
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
FASTNN_INLINE Vec fnma(Vec a, Vec b, Vec c) {  // c - a*b
  return {_mm256_fnmadd_ps(a.v, b.v, c.v)};
}

FASTNN_INLINE Mask lt(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
FASTNN_INLINE Mask le(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
FASTNN_INLINE Mask gt(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)}; }
FASTNN_INLINE Mask ge(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ)}; }
FASTNN_INLINE Mask eq(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
FASTNN_INLINE Mask is_nan(Vec a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }

FASTNN_INLINE Vec abs(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
FASTNN_INLINE Vec copy_sign(Vec magnitude, Vec sign) {
  return {_mm256_or_ps(_mm256_and_ps(_mm256_set1_ps(-0.0f), sign.v), abs(magnitude).v)};
}
FASTNN_INLINE Vec sqrt(Vec a) { return {_mm256_sqrt_ps(a.v)}; }
// NaN if either is NaN: the instruction gives its second operand where the order is undefined,
// which is the wrong one only where the first is NaN.
FASTNN_INLINE Vec max(Vec a, Vec b) { return select(is_nan(a), a, {_mm256_max_ps(a.v, b.v)}); }
FASTNN_INLINE Vec min(Vec a, Vec b) { return select(is_nan(a), a, {_mm256_min_ps(a.v, b.v)}); }
FASTNN_INLINE Vec round(Vec a) {  // to nearest, ties to even
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
FASTNN_INLINE Vec floor(Vec a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
// a * 2^n for -252 <= n <= 254, in two factors: 2^n alone may lie outside float32 where the product
// does not.
FASTNN_INLINE Vec ldexp(Vec a, VecI n) {
  const VecI half = shift_right_signed(n, 1);
  const VecI bias = VecI::set(127);
  const Vec first = as_float(shift_left(half + bias, 23));
  const Vec second = as_float(shift_left(n - half + bias, 23));
  return a * first * second;
}

// ---- across lanes, always by the same tree
FASTNN_INLINE float hsum(Vec a) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
FASTNN_INLINE float hmax(Vec a) {  // NaN if any lane is
  const Vec b = max(a, {_mm256_permute2f128_ps(a.v, a.v, 1)});
  const Vec c = max(b, {_mm256_permute_ps(b.v, 0x4e)});
  return _mm256_cvtss_f32(max(c, {_mm256_permute_ps(c.v, 0xb1)}).v);
}

}  // namespace fastnn::avx2
