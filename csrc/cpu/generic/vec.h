// Vectors of the baseline: four lanes in the compiler's own vector type (SSE2 on x86-64, NEON on
// aarch64), no intrinsics.
//
// Every ISA has a `vec.h` with this interface; kernels are written once over it. All operations are
// lane by lane. A partial load or store touches exactly the first n lanes, 0 <= n <= N; the lanes
// that a partial load does not read are 0.
#pragma once

#include <cstdint>

#include "cpu/inline.h"

namespace fastnn::generic {

// v's lanes [0, n) from p, and to p. With constant lane numbers v stays in a register.
template <class Native, class Element>
FASTNN_INLINE Native load_lanes(const Element* p, int n) {
  Native v{};
  if (n > 0) v[0] = p[0];
  if (n > 1) v[1] = p[1];
  if (n > 2) v[2] = p[2];
  if (n > 3) v[3] = p[3];
  return v;
}
template <class Native, class Element>
FASTNN_INLINE void store_lanes(Native v, Element* p, int n) {
  if (n > 0) p[0] = v[0];
  if (n > 1) p[1] = v[1];
  if (n > 2) p[2] = v[2];
  if (n > 3) p[3] = v[3];
}

struct Mask {
  using Native [[gnu::vector_size(16)]] = std::int32_t;
  Native v;  // a lane is all ones (true) or all zeros

  FASTNN_INLINE static Mask first(int n);  // lanes 0 .. n-1
};

// int32 lanes. Arithmetic wraps around.
struct VecI {
  using Native [[gnu::vector_size(16)]] = std::int32_t;
  using Unsigned [[gnu::vector_size(16)]] = std::uint32_t;
  static constexpr int N = 4;
  Native v;

  FASTNN_INLINE static VecI load(const std::int32_t* p) {
    VecI r;
    __builtin_memcpy(&r.v, p, sizeof r.v);
    return r;
  }
  FASTNN_INLINE static VecI load(const std::int32_t* p, int n) {
    return {load_lanes<Native>(p, n)};
  }
  FASTNN_INLINE void store(std::int32_t* p) const { __builtin_memcpy(p, &v, sizeof v); }
  FASTNN_INLINE void store(std::int32_t* p, int n) const { store_lanes(v, p, n); }
  FASTNN_INLINE static VecI set(std::int32_t x) { return {Native{x, x, x, x}}; }
  FASTNN_INLINE static VecI zero() { return set(0); }
  FASTNN_INLINE static VecI iota() { return {Native{0, 1, 2, 3}}; }
};

// float32 lanes.
struct Vec {
  using Native [[gnu::vector_size(16)]] = float;
  static constexpr int N = 4;
  Native v;

  FASTNN_INLINE static Vec load(const float* p) {
    Vec r;
    __builtin_memcpy(&r.v, p, sizeof r.v);
    return r;
  }
  FASTNN_INLINE static Vec load(const float* p, int n) { return {load_lanes<Native>(p, n)}; }
  FASTNN_INLINE void store(float* p) const { __builtin_memcpy(p, &v, sizeof v); }
  FASTNN_INLINE void store(float* p, int n) const { store_lanes(v, p, n); }
  FASTNN_INLINE static Vec set(float x) { return {Native{x, x, x, x}}; }
  FASTNN_INLINE static Vec zero() { return set(0.0f); }

  // Loads that convert.
  FASTNN_INLINE static Vec load_u8(const std::uint8_t* p) { return load_u8(p, N); }
  FASTNN_INLINE static Vec load_u8(const std::uint8_t* p, int n) {
    return {load_lanes<Native>(p, n)};
  }
  FASTNN_INLINE static Vec load_i32(const std::int32_t* p);
  FASTNN_INLINE static Vec load_i32(const std::int32_t* p, int n);
};

// ---- bit casts and conversions
FASTNN_INLINE VecI as_int(Vec a) { return {reinterpret_cast<VecI::Native>(a.v)}; }
FASTNN_INLINE Vec as_float(VecI a) { return {reinterpret_cast<Vec::Native>(a.v)}; }
FASTNN_INLINE Vec to_float(VecI a) { return {__builtin_convertvector(a.v, Vec::Native)}; }
// Truncates; callers round first. Lanes outside int32 are undefined.
FASTNN_INLINE VecI to_int(Vec a) { return {__builtin_convertvector(a.v, VecI::Native)}; }

FASTNN_INLINE Vec Vec::load_i32(const std::int32_t* p) { return to_float(VecI::load(p)); }
FASTNN_INLINE Vec Vec::load_i32(const std::int32_t* p, int n) { return to_float(VecI::load(p, n)); }

// ---- int32 lanes
FASTNN_INLINE VecI operator+(VecI a, VecI b) {
  return {(VecI::Native)((VecI::Unsigned)a.v + (VecI::Unsigned)b.v)};
}
FASTNN_INLINE VecI operator-(VecI a, VecI b) {
  return {(VecI::Native)((VecI::Unsigned)a.v - (VecI::Unsigned)b.v)};
}
FASTNN_INLINE VecI operator*(VecI a, VecI b) {  // low 32 bits
  return {(VecI::Native)((VecI::Unsigned)a.v * (VecI::Unsigned)b.v)};
}
FASTNN_INLINE VecI mulhi(VecI a, VecI b) {  // high 32 bits of the unsigned product
  VecI r;
  for (int i = 0; i < VecI::N; ++i) {
    const std::uint64_t x = static_cast<std::uint32_t>(a.v[i]);
    const std::uint64_t y = static_cast<std::uint32_t>(b.v[i]);
    r.v[i] = static_cast<std::int32_t>((x * y) >> 32);
  }
  return r;
}
FASTNN_INLINE VecI operator&(VecI a, VecI b) { return {a.v & b.v}; }
FASTNN_INLINE VecI operator|(VecI a, VecI b) { return {a.v | b.v}; }
FASTNN_INLINE VecI operator^(VecI a, VecI b) { return {a.v ^ b.v}; }
FASTNN_INLINE VecI shift_left(VecI a, int n) {
  return {(VecI::Native)((VecI::Unsigned)a.v << static_cast<std::uint32_t>(n))};
}
FASTNN_INLINE VecI shift_right(VecI a, int n) {  // zeros come in
  return {(VecI::Native)((VecI::Unsigned)a.v >> static_cast<std::uint32_t>(n))};
}
FASTNN_INLINE VecI shift_right_signed(VecI a, int n) { return {a.v >> n}; }
FASTNN_INLINE Mask eq(VecI a, VecI b) { return {a.v == b.v}; }
FASTNN_INLINE Mask gt(VecI a, VecI b) { return {a.v > b.v}; }

// ---- masks
FASTNN_INLINE Mask Mask::first(int n) { return {VecI::set(n).v > VecI::iota().v}; }
FASTNN_INLINE Mask operator&(Mask a, Mask b) { return {a.v & b.v}; }
FASTNN_INLINE Mask operator|(Mask a, Mask b) { return {a.v | b.v}; }
FASTNN_INLINE Mask operator~(Mask a) { return {~a.v}; }
// One bit a lane, lane 0 lowest.
FASTNN_INLINE unsigned bits(Mask a) {
  return (a.v[0] & 1) | (a.v[1] & 2) | (a.v[2] & 4) | (a.v[3] & 8);
}
FASTNN_INLINE bool any(Mask a) { return (a.v[0] | a.v[1] | a.v[2] | a.v[3]) != 0; }
FASTNN_INLINE bool all(Mask a) { return (a.v[0] & a.v[1] & a.v[2] & a.v[3]) != 0; }
FASTNN_INLINE VecI select(Mask m, VecI a, VecI b) { return {(m.v & a.v) | (~m.v & b.v)}; }
FASTNN_INLINE Vec select(Mask m, Vec a, Vec b) { return as_float(select(m, as_int(a), as_int(b))); }

// ---- float32 lanes
FASTNN_INLINE Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
FASTNN_INLINE Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
FASTNN_INLINE Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
FASTNN_INLINE Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }
FASTNN_INLINE Vec operator-(Vec a) { return {-a.v}; }
// The baseline has no fused instruction: two roundings, and -ffp-contract=off keeps it at two where
// the target has one (aarch64), so that the bits do not depend on the compiler.
FASTNN_INLINE Vec fma(Vec a, Vec b, Vec c) { return {a.v * b.v + c.v}; }   // a*b + c
FASTNN_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {c.v - a.v * b.v}; }  // c - a*b

FASTNN_INLINE Mask lt(Vec a, Vec b) { return {a.v < b.v}; }
FASTNN_INLINE Mask le(Vec a, Vec b) { return {a.v <= b.v}; }
FASTNN_INLINE Mask gt(Vec a, Vec b) { return {a.v > b.v}; }
FASTNN_INLINE Mask ge(Vec a, Vec b) { return {a.v >= b.v}; }
FASTNN_INLINE Mask eq(Vec a, Vec b) { return {a.v == b.v}; }
FASTNN_INLINE Mask is_nan(Vec a) { return {a.v != a.v}; }

FASTNN_INLINE Vec abs(Vec a) { return as_float(as_int(a) & VecI::set(0x7fffffff)); }
FASTNN_INLINE Vec copy_sign(Vec magnitude, Vec sign) {
  const VecI bit = VecI::set(INT32_MIN);
  return as_float((as_int(sign) & bit) | as_int(abs(magnitude)));
}
FASTNN_INLINE Vec sqrt(Vec a) {
  for (int i = 0; i < Vec::N; ++i) a.v[i] = __builtin_sqrtf(a.v[i]);
  return a;
}
// NaN if either is NaN; where equal (0 and -0), the second.
FASTNN_INLINE Vec max(Vec a, Vec b) { return select(gt(a, b) | is_nan(a), a, b); }
FASTNN_INLINE Vec min(Vec a, Vec b) { return select(lt(a, b) | is_nan(a), a, b); }
// To nearest, ties to even: from 2^23 on there are no bits for a fraction, so adding it rounds.
FASTNN_INLINE Vec round(Vec a) {
  const Vec big = Vec::set(8388608.0f);
  const Vec r = copy_sign((abs(a) + big) - big, a);
  return select(lt(abs(a), big), r, a);
}
FASTNN_INLINE Vec floor(Vec a) {
  const Vec r = round(a);
  return copy_sign(r - select(gt(r, a), Vec::set(1.0f), Vec::zero()), a);
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
FASTNN_INLINE float hsum(Vec a) { return (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]); }
FASTNN_INLINE float hmax(Vec a) {  // NaN if any lane is
  const Vec b = max(a, {Vec::Native{a.v[2], a.v[3], a.v[0], a.v[1]}});
  return max(b, {Vec::Native{b.v[1], b.v[0], b.v[3], b.v[2]}}).v[0];
}

}  // namespace fastnn::generic
