// exp, log, expm1, log1p, tanh, sigmoid and the normal distribution over Vec.
//
// The method is the classic one (Cody & Waite, "Software Manual for the Elementary Functions",
// 1980; Moshier's Cephes; fdlibm): reduce the argument with a constant split in two so that the
// reduction is exact, evaluate a minimax polynomial, scale back by a power of two. The polynomials
// are our own Remez fits for the relative error, rounded to float32; the error of each fit stands
// beside it. Nothing relies on fused multiply-add being fused: the generic ISA has none.
#pragma once

#include "cpu/inline.h"

namespace fastnn::FASTNN_ISA {

// c0 + x (c1 + x (c2 + ...)).
FASTNN_INLINE Vec polynomial(Vec, float c) { return Vec::set(c); }
template <class... Rest>
FASTNN_INLINE Vec polynomial(Vec x, float c, Rest... rest) {
  return fma(polynomial(x, rest...), x, Vec::set(c));
}

// The upper 12 of a float's 24 significant bits: the product of two such numbers is exact.
FASTNN_INLINE Vec upper_half(Vec x) {
  return as_float(as_int(x) & VecI::set(static_cast<std::int32_t>(0xfffff000)));
}

// ln 2 in two parts. The upper has 9 bits, so that n * upper is exact for every exponent n.
inline constexpr float kLn2Upper = 355.0f / 512.0f;
inline constexpr float kLn2Lower = -2.12194440e-4f;
inline constexpr float kLog2E = 1.44269504f;
inline constexpr float kInfinity = __builtin_inff();

// x - n ln 2.
FASTNN_INLINE Vec subtract_ln2(Vec x, Vec n) {
  return fnma(n, Vec::set(kLn2Lower), fnma(n, Vec::set(kLn2Upper), x));
}

// e^r - 1 for |r| <= ln(2)/2: r + r^2 P(r), P of degree 4; relative error 2^-26.2.
FASTNN_INLINE Vec expm1_reduced(Vec r) {
  const Vec p =
      polynomial(r, 0.49999998f, 0.16666543f, 0.0416672006f, 8.36654719e-3f, 1.38825199e-3f);
  return fma(r * r, p, r);
}

// e^x = 2^n (1 + m1) in parts, so that a product with it is rounded once, at the end, also where
// e^x itself would be a denormal.
struct ExpParts {
  Vec m1;
  VecI n;
  Mask zero;  // where x < kExpFloor

  // f e^x for |f| < 2^60.
  FASTNN_INLINE Vec times(Vec f) const {
    return select(zero, Vec::zero(), ldexp(fma(m1, f, f), n));
  }
};

inline constexpr float kExpFloor = -150.0f;  // 2^60 e^-150 < 2^-150, half the least denormal

// For x <= 89 (or NaN).
FASTNN_INLINE ExpParts exp_parts(Vec x) {
  const Vec n = round(x * Vec::set(kLog2E));
  return {expm1_reduced(subtract_ln2(x, n)), to_int(n), lt(x, Vec::set(kExpFloor))};
}
// Of x + tail, |tail| < 0.25: `tail` carries the bits of an argument that float32 cannot, because
// an absolute error in the argument is a relative error in the result.
FASTNN_INLINE ExpParts exp_parts(Vec x, Vec tail) {
  const Vec sum = x + tail, n = round(sum * Vec::set(kLog2E));
  const Vec r = fnma(n, Vec::set(kLn2Upper), x) + fnma(n, Vec::set(kLn2Lower), tail);
  return {expm1_reduced(r), to_int(n), lt(sum, Vec::set(kExpFloor))};
}

FASTNN_INLINE Vec exp_bounded(Vec x) { return exp_parts(x).times(Vec::set(1.0f)); }

FASTNN_INLINE Vec exp(Vec x) {
  return select(gt(x, Vec::set(89.0f)), Vec::set(kInfinity), exp_bounded(x));
}

// e^x - 1 for x <= 0 (or NaN): 2^n (e^r - 1) + (2^n - 1).
FASTNN_INLINE Vec expm1_negative(Vec x) {
  const Vec bounded = max(x, Vec::set(-20.0f));  // e^-20 is lost beside 1
  const Vec n = round(bounded * Vec::set(kLog2E));
  const Vec scale = ldexp(Vec::set(1.0f), to_int(n));
  return fma(scale, expm1_reduced(subtract_ln2(bounded, n)), scale - Vec::set(1.0f));
}

// log x for normal, finite x > 0. x = 2^e m with m in [sqrt(1/2), sqrt(2)), f = m - 1 and
// log(1 + f) = f - f^2/2 + f^3 P(f), P of degree 7; relative error 2^-27.3.
FASTNN_INLINE Vec log_normal(Vec x) {
  const VecI bits = as_int(x);
  const VecI e = shift_right_signed(bits - VecI::set(0x3f3504f3), 23);  // sqrt(1/2)
  const Vec f = as_float(bits - shift_left(e, 23)) - Vec::set(1.0f);
  const Vec p = polynomial(f, 0.333333317f, -0.25000821f, 0.200012268f, -0.166233578f, 0.142017602f,
                           -0.131601809f, 0.127615643f, -0.0763448625f);
  const Vec exponent = to_float(e);
  const Vec square = f * f;
  const Vec small = fma(square * f, p, exponent * Vec::set(kLn2Lower));
  return fma(exponent, Vec::set(kLn2Upper), f + fma(square, Vec::set(-0.5f), small));
}

FASTNN_INLINE Vec log(Vec x) {
  const Mask denormal = lt(x, Vec::set(1.17549435e-38f));
  const Vec y = log_normal(select(denormal, x * Vec::set(8388608.0f), x)) -
                select(denormal, Vec::set(15.9423847f), Vec::zero());  // 23 ln 2
  const Vec at_zero =
      select(eq(x, Vec::zero()), Vec::set(-kInfinity), Vec::set(__builtin_nanf("")));
  const Vec limit = select(eq(x, Vec::set(kInfinity)), x, at_zero);
  return select(gt(x, Vec::zero()) & lt(x, Vec::set(kInfinity)), y, limit);
}

// log(1 + x) for 0 <= x <= 1 (or NaN): the log of the rounded sum u, and the rounding error of u.
// (Its weight is 1 / u, but where u is far from 1 the error is small beside log u.)
FASTNN_INLINE Vec log1p_unit(Vec x) {
  const Vec u = x + Vec::set(1.0f);
  return log_normal(u) + (x - (u - Vec::set(1.0f)));
}

// tanh|x| = -t / (2 + t) with t = e^(-2|x|) - 1: no cancellation anywhere.
FASTNN_INLINE Vec tanh(Vec x) {
  const Vec t = expm1_negative(abs(x) * Vec::set(-2.0f));
  return copy_sign(t / (t + Vec::set(2.0f)), x);
}

// With e = e^-|x|, sigmoid is 1 / (1 + e) on the right and e / (1 + e) on the left.
FASTNN_INLINE Vec sigmoid(Vec x) {
  const Vec e = exp_bounded(-abs(x));
  return select(ge(x, Vec::zero()), Vec::set(1.0f), e) / (e + Vec::set(1.0f));
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|).
FASTNN_INLINE Vec softplus(Vec x) { return max(x, Vec::zero()) + log1p_unit(exp_bounded(-abs(x))); }

// 1 right of zero, -1 left of it; 0, -0 and NaN stay.
FASTNN_INLINE Vec sign(Vec x) {
  const Vec one = Vec::set(1.0f), zero = Vec::zero();
  return select(gt(x, zero), one, select(lt(x, zero), -one, x));
}

// The standard normal distribution at -a for a in [0, 14.7]: density = e^(-a^2/2) / sqrt(2 pi) and
// mass = e^(-a^2/2) R(a), where R, half the scaled complementary error function erfcx(a / sqrt 2),
// is a rational function p / q of degrees 4 and 5 with positive coefficients; relative error
// 2^-26.3. q = 1 + a (k p + c) resembles the continued fraction R = 1 / (sqrt(2 pi) a + ...): where
// a is large, the rounding errors of p cancel in the quotient.
struct NormalTail {
  ExpParts exp;
  Vec p, q;
};
FASTNN_INLINE NormalTail normal_tail(Vec a) {
  // a^2 = upper^2 (exact) + the rest.
  const Vec upper = upper_half(a);
  const Vec rest = (a - upper) * (a + upper);
  const Vec minus_half = Vec::set(-0.5f);
  const Vec p = polynomial(a, 0.5f, 0.438696355f, 0.183532998f, 0.0407337658f, 4.13126871e-3f);
  const Vec c = polynomial(a, 0.421977639f, 0.104102924f, 0.0102132447f, 7.45387534e-6f);
  const Vec q = fma(a, fma(p, Vec::set(2.50660014f), c), Vec::set(1.0f));
  return {exp_parts(upper * upper * minus_half, rest * minus_half), p, q};
}

}  // namespace fastnn::FASTNN_ISA
