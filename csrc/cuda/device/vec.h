// Vectors of a CUDA thread: four floats in registers, loaded and stored as 128 bits. The interface
// is that of the CPU's vectors (`cpu/generic/vec.h` explains it), so `cpu/kernels/math.h` and
// `cpu/kernels/activations.h` serve here too: an elementwise kernel computes on the device what an
// AVX2 kernel computes, operation by operation.
#pragma once

#include <cstdint>

#include "cpu/inline.h"
#include "cuda/portability.h"

#define FASTNN_ISA cuda

namespace fastnn::cuda {

// {f(0), f(1), f(2), f(3)}
template <class Result, class F>
FASTNN_INLINE Result lanewise(F f) {
  Result r;
  FASTNN_UNROLL
  for (int k = 0; k < 4; ++k) r.v[k] = f(k);
  return r;
}

struct Mask {
  bool v[4];

  FASTNN_INLINE static Mask first(int n) {
    return lanewise<Mask>([&](int k) { return k < n; });
  }
};

// int32 lanes. Arithmetic wraps around.
struct VecI {
  static constexpr int N = 4;
  std::int32_t v[4];

  FASTNN_INLINE static VecI set(std::int32_t x) { return {{x, x, x, x}}; }
  FASTNN_INLINE static VecI zero() { return set(0); }
  FASTNN_INLINE static VecI iota() { return {{0, 1, 2, 3}}; }
};

// float32 lanes.
struct Vec {
  static constexpr int N = 4;
  float v[4];

  // Of 16-byte aligned memory, in one instruction.
  FASTNN_INLINE static Vec load(const float* p) {
    const float4 x = *reinterpret_cast<const float4*>(p);
    return {{x.x, x.y, x.z, x.w}};
  }
  FASTNN_INLINE void store(float* p) const {
    *reinterpret_cast<float4*>(p) = make_float4(v[0], v[1], v[2], v[3]);
  }
  // The first n lanes, of any memory.
  FASTNN_INLINE static Vec load(const float* p, int n) {
    return lanewise<Vec>([&](int k) { return k < n ? p[k] : 0.0f; });
  }
  FASTNN_INLINE void store(float* p, int n) const {
    FASTNN_UNROLL
    for (int k = 0; k < 4; ++k) {
      if (k < n) p[k] = v[k];
    }
  }
  FASTNN_INLINE static Vec set(float x) { return {{x, x, x, x}}; }
  FASTNN_INLINE static Vec zero() { return set(0.0f); }
};

// ---- bit casts and conversions
FASTNN_INLINE std::int32_t float_bits(float x) {
  std::int32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
FASTNN_INLINE float bits_float(std::int32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
FASTNN_INLINE VecI as_int(Vec a) {
  return lanewise<VecI>([&](int k) { return float_bits(a.v[k]); });
}
FASTNN_INLINE Vec as_float(VecI a) {
  return lanewise<Vec>([&](int k) { return bits_float(a.v[k]); });
}
FASTNN_INLINE Vec to_float(VecI a) {
  return lanewise<Vec>([&](int k) { return static_cast<float>(a.v[k]); });
}
// Truncates; callers round first. Lanes outside int32 are of no use, and give INT32_MIN.
FASTNN_INLINE VecI to_int(Vec a) {
  return lanewise<VecI>([&](int k) {
    return a.v[k] >= -0x1p31f && a.v[k] < 0x1p31f ? static_cast<std::int32_t>(a.v[k]) : INT32_MIN;
  });
}

// ---- int32 lanes
FASTNN_INLINE std::uint32_t unsigned_of(std::int32_t x) { return static_cast<std::uint32_t>(x); }
FASTNN_INLINE std::int32_t signed_of(std::uint32_t x) { return static_cast<std::int32_t>(x); }

FASTNN_INLINE VecI operator+(VecI a, VecI b) {
  return lanewise<VecI>(
      [&](int k) { return signed_of(unsigned_of(a.v[k]) + unsigned_of(b.v[k])); });
}
FASTNN_INLINE VecI operator-(VecI a, VecI b) {
  return lanewise<VecI>(
      [&](int k) { return signed_of(unsigned_of(a.v[k]) - unsigned_of(b.v[k])); });
}
FASTNN_INLINE VecI operator&(VecI a, VecI b) {
  return lanewise<VecI>([&](int k) { return a.v[k] & b.v[k]; });
}
FASTNN_INLINE VecI operator|(VecI a, VecI b) {
  return lanewise<VecI>([&](int k) { return a.v[k] | b.v[k]; });
}
FASTNN_INLINE VecI shift_left(VecI a, int n) {
  return lanewise<VecI>([&](int k) { return signed_of(unsigned_of(a.v[k]) << n); });
}
FASTNN_INLINE VecI shift_right_signed(VecI a, int n) {
  return lanewise<VecI>([&](int k) { return a.v[k] >> n; });
}

// ---- masks
FASTNN_INLINE Mask operator&(Mask a, Mask b) {
  return lanewise<Mask>([&](int k) { return a.v[k] && b.v[k]; });
}
FASTNN_INLINE Mask operator|(Mask a, Mask b) {
  return lanewise<Mask>([&](int k) { return a.v[k] || b.v[k]; });
}
FASTNN_INLINE Mask operator~(Mask a) {
  return lanewise<Mask>([&](int k) { return !a.v[k]; });
}
FASTNN_INLINE bool any(Mask a) { return a.v[0] || a.v[1] || a.v[2] || a.v[3]; }
FASTNN_INLINE VecI select(Mask m, VecI a, VecI b) {
  return lanewise<VecI>([&](int k) { return m.v[k] ? a.v[k] : b.v[k]; });
}
FASTNN_INLINE Vec select(Mask m, Vec a, Vec b) {
  return lanewise<Vec>([&](int k) { return m.v[k] ? a.v[k] : b.v[k]; });
}

// ---- float32 lanes
FASTNN_INLINE Vec operator+(Vec a, Vec b) {
  return lanewise<Vec>([&](int k) { return a.v[k] + b.v[k]; });
}
FASTNN_INLINE Vec operator-(Vec a, Vec b) {
  return lanewise<Vec>([&](int k) { return a.v[k] - b.v[k]; });
}
FASTNN_INLINE Vec operator*(Vec a, Vec b) {
  return lanewise<Vec>([&](int k) { return a.v[k] * b.v[k]; });
}
FASTNN_INLINE Vec operator/(Vec a, Vec b) {
  return lanewise<Vec>([&](int k) { return a.v[k] / b.v[k]; });
}
FASTNN_INLINE Vec operator-(Vec a) {
  return lanewise<Vec>([&](int k) { return -a.v[k]; });
}
FASTNN_INLINE Vec fma(Vec a, Vec b, Vec c) {  // a*b + c
  return lanewise<Vec>([&](int k) { return fmaf(a.v[k], b.v[k], c.v[k]); });
}
FASTNN_INLINE Vec fnma(Vec a, Vec b, Vec c) {  // c - a*b
  return lanewise<Vec>([&](int k) { return fmaf(-a.v[k], b.v[k], c.v[k]); });
}

FASTNN_INLINE Mask lt(Vec a, Vec b) {
  return lanewise<Mask>([&](int k) { return a.v[k] < b.v[k]; });
}
FASTNN_INLINE Mask le(Vec a, Vec b) {
  return lanewise<Mask>([&](int k) { return a.v[k] <= b.v[k]; });
}
FASTNN_INLINE Mask gt(Vec a, Vec b) { return lt(b, a); }
FASTNN_INLINE Mask ge(Vec a, Vec b) { return le(b, a); }
FASTNN_INLINE Mask eq(Vec a, Vec b) {
  return lanewise<Mask>([&](int k) { return a.v[k] == b.v[k]; });
}
FASTNN_INLINE Mask is_nan(Vec a) {
  return lanewise<Mask>([&](int k) { return a.v[k] != a.v[k]; });
}

FASTNN_INLINE Vec abs(Vec a) {
  return lanewise<Vec>([&](int k) { return fabsf(a.v[k]); });
}
FASTNN_INLINE Vec copy_sign(Vec magnitude, Vec sign) {
  return lanewise<Vec>([&](int k) { return copysignf(magnitude.v[k], sign.v[k]); });
}
FASTNN_INLINE Vec sqrt(Vec a) {
  return lanewise<Vec>([&](int k) { return sqrtf(a.v[k]); });
}
// NaN if either is NaN; where equal (0 and -0), the second.
FASTNN_INLINE float larger(float a, float b) { return a > b || a != a ? a : b; }
FASTNN_INLINE float smaller(float a, float b) { return a < b || a != a ? a : b; }
FASTNN_INLINE Vec max(Vec a, Vec b) {
  return lanewise<Vec>([&](int k) { return larger(a.v[k], b.v[k]); });
}
FASTNN_INLINE Vec min(Vec a, Vec b) {
  return lanewise<Vec>([&](int k) { return smaller(a.v[k], b.v[k]); });
}
FASTNN_INLINE Vec round(Vec a) {  // to nearest, ties to even
  return lanewise<Vec>([&](int k) { return rintf(a.v[k]); });
}
FASTNN_INLINE Vec floor(Vec a) {
  return lanewise<Vec>([&](int k) { return floorf(a.v[k]); });
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
  return larger(larger(a.v[0], a.v[2]), larger(a.v[1], a.v[3]));
}

}  // namespace fastnn::cuda
