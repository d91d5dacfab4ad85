// The activation functions: one struct each, forward and backward side by side.
//
//   operator()(x)     y = act(x)
//   grad(dy, saved)   dy * act'(x), where `saved` is y, or x for gelu, gelu_tanh and silu
//
// The unary kernels, the epilogue of the matrix product and activation_grad_bias all use these.
// NaN in x or `saved` comes out as NaN.
#pragma once

#include "cpu/activation.h"
#include "cpu/kernels/loop.h"
#include "cpu/kernels/math.h"

namespace fastnn::FASTNN_ISA {

FASTNN_INLINE Vec keep_nan(Vec x, Vec result) { return select(is_nan(x), x, result); }

struct Linear {
  FASTNN_INLINE Vec operator()(Vec x) const { return x; }
  FASTNN_INLINE Vec grad(Vec dy, Vec) const { return dy; }
};

struct Relu {
  FASTNN_INLINE Vec operator()(Vec x) const { return max(x, Vec::zero()); }
  FASTNN_INLINE Vec grad(Vec dy, Vec y) const {
    return select(gt(y, Vec::zero()), dy, max(y, Vec::zero()));  // 0, or y's NaN
  }
};

struct LeakyRelu {
  float alpha;  // slope left of zero, not negative: the sign of y must tell the sign of x
  FASTNN_INLINE Vec operator()(Vec x) const {
    return select(gt(x, Vec::zero()), x, x * Vec::set(alpha));
  }
  FASTNN_INLINE Vec grad(Vec dy, Vec y) const {
    return keep_nan(y, select(gt(y, Vec::zero()), dy, dy * Vec::set(alpha)));
  }
};

// Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2015.
struct Elu {
  float alpha;
  FASTNN_INLINE Vec operator()(Vec x) const {
    const Vec left = expm1_negative(min(x, Vec::zero())) * Vec::set(alpha);
    return select(gt(x, Vec::zero()), x, left);
  }
  FASTNN_INLINE Vec grad(Vec dy, Vec y) const {  // left of zero alpha e^x = y + alpha
    return dy * select(gt(y, Vec::zero()), Vec::set(1.0f), y + Vec::set(alpha));
  }
};

// Klambauer et al., "Self-normalizing neural networks", 2017.
struct Selu {
  static constexpr float kScale = 1.05070099f;
  static constexpr float kScaleAlpha = 1.75809934f;  // 1.0507... * 1.6732...
  FASTNN_INLINE Vec operator()(Vec x) const {
    const Vec left = expm1_negative(min(x, Vec::zero())) * Vec::set(kScaleAlpha);
    return select(gt(x, Vec::zero()), x * Vec::set(kScale), left);
  }
  FASTNN_INLINE Vec grad(Vec dy, Vec y) const {
    return dy * select(ge(y, Vec::zero()), Vec::set(kScale), y + Vec::set(kScaleAlpha));
  }
};

// x times the standard normal distribution function (Hendrycks & Gimpel, "Gaussian error linear
// units", 2016), which is max(x, 0) - |x| (mass of the tail beyond |x|): nothing cancels on the
// left, so small values keep their relative accuracy.
struct Gelu {
  static constexpr float kFar = 14.7f;  // beyond it the product is below the least denormal
  FASTNN_INLINE Vec operator()(Vec x) const {
    const Vec a = min(abs(x), Vec::set(kFar));
    const NormalTail tail = normal_tail(a);
    return max(x, Vec::zero()) - tail.exp.times(a * tail.p / tail.q);
  }
  FASTNN_INLINE Vec grad(Vec dy, Vec x) const {  // the distribution plus x times the density
    const Vec a = min(abs(x), Vec::set(kFar));
    const NormalTail tail = normal_tail(a);
    const Vec left = tail.exp.times(fnma(a, Vec::set(0.39894228f), tail.p / tail.q));
    return dy * select(gt(x, Vec::zero()), Vec::set(1.0f) - left, left);
  }
};

// x sigmoid(v) for an odd v(x), from a = min(|x|, far) and e^-v(a): e / (1 + e) is sigmoid on the
// left.
FASTNN_INLINE Vec times_sigmoid(Vec x, Vec a, ExpParts e) {
  const Vec one = Vec::set(1.0f);
  const Vec s = one / (e.times(one) + one);
  return select(gt(x, Vec::zero()), x * s, -e.times(a * s));
}
// Its slope s + x v' s (1 - s), from dv = v'(a): s (1 - a dv (1 - s)) on the left.
FASTNN_INLINE Vec times_sigmoid_slope(Vec x, Vec a, ExpParts e, Vec dv) {
  const Vec one = Vec::set(1.0f), small = e.times(one);
  const Vec s = one / (small + one);
  const Mask right = gt(x, Vec::zero());
  const Vec product = s * fma(select(right, small, -one) * (a * dv), s, one);
  return select(right, product, e.times(product));
}

// The same with tanh instead of the error function: x sigmoid(v), v = x (k0 + k1 x^2),
// k0 = 2 sqrt(2 / pi), k1 = 0.044715 k0.
struct GeluTanh {
  static constexpr float kFar = 12.0f;  // beyond it sigmoid(-v) is below the least denormal
  static constexpr float k0 = 1.5957692f, k0_rest = -4.534068e-8f;
  static constexpr float k1 = 0.0713548163f;
  static constexpr float k1_upper = 0x1.244p-4f, k1_rest = 4.7186163e-6f;  // 11 bits, and the rest

  // e^-v for a >= 0. v reaches 100, so float32 alone would leave a relative error of 2^-18 in
  // the result: v is computed in two parts, the upper one from exact products of half-length
  // factors.
  FASTNN_INLINE static ExpParts exp_minus_v(Vec a) {
    const Vec a_upper = upper_half(a), a_rest = a - a_upper;
    const Vec square = a_upper * a_upper, square_rest = a_rest * (a + a_upper);
    const Vec square_upper = upper_half(square);
    const Vec cubic = square_upper * Vec::set(k1_upper);
    const Vec cubic_rest =
        fma(square - square_upper + square_rest, Vec::set(k1), square_upper * Vec::set(k1_rest));
    // slope = k0 + cubic with its rounding error (Knuth's two-sum).
    const Vec slope = cubic + Vec::set(k0);
    const Vec part = slope - Vec::set(k0);
    const Vec error = (Vec::set(k0) - (slope - part)) + (cubic - part);
    const Vec slope_rest = error + (cubic_rest + Vec::set(k0_rest));
    const Vec slope_upper = upper_half(slope);
    const Vec v_rest =
        fma(a_upper, slope - slope_upper + slope_rest, a_rest * (slope + slope_rest));
    return exp_parts(-(a_upper * slope_upper), -v_rest);
  }
  FASTNN_INLINE Vec operator()(Vec x) const {
    const Vec a = min(abs(x), Vec::set(kFar));
    return times_sigmoid(x, a, exp_minus_v(a));
  }
  FASTNN_INLINE Vec grad(Vec dy, Vec x) const {
    const Vec a = min(abs(x), Vec::set(kFar));
    const Vec dv = fma(a * a, Vec::set(0.21406444f), Vec::set(k0));  // k0 + 3 k1 x^2
    return dy * times_sigmoid_slope(x, a, exp_minus_v(a), dv);
  }
};

// x sigmoid(x) (swish).
struct Silu {
  static constexpr float kFar = 200.0f;  // keeps infinity away; 200 e^-200 is 0
  FASTNN_INLINE Vec operator()(Vec x) const {
    const Vec a = min(abs(x), Vec::set(kFar));
    return times_sigmoid(x, a, exp_parts(-a));
  }
  FASTNN_INLINE Vec grad(Vec dy, Vec x) const {
    const Vec a = min(abs(x), Vec::set(kFar));
    return dy * times_sigmoid_slope(x, a, exp_parts(-a), Vec::set(1.0f));
  }
};

struct Sigmoid {
  FASTNN_INLINE Vec operator()(Vec x) const { return sigmoid(x); }
  FASTNN_INLINE Vec grad(Vec dy, Vec y) const { return dy * (y * (Vec::set(1.0f) - y)); }
};

struct Tanh {
  FASTNN_INLINE Vec operator()(Vec x) const { return tanh(x); }
  FASTNN_INLINE Vec grad(Vec dy, Vec y) const {
    return dy * ((Vec::set(1.0f) - y) * (Vec::set(1.0f) + y));
  }
};

struct Softplus {
  FASTNN_INLINE Vec operator()(Vec x) const { return softplus(x); }
  FASTNN_INLINE Vec grad(Vec dy, Vec y) const { return -dy * expm1_negative(-y); }
};

struct Exp {
  FASTNN_INLINE Vec operator()(Vec x) const { return exp(x); }
  FASTNN_INLINE Vec grad(Vec dy, Vec y) const { return dy * y; }
};

// Calls f with the struct of an activation.
template <class F>
FASTNN_INLINE void with_activation(Activation activation, float alpha, F f) {
  switch (activation) {
    case Activation::relu:
      return f(Relu{});
    case Activation::leaky_relu:
      return f(LeakyRelu{alpha});
    case Activation::elu:
      return f(Elu{alpha});
    case Activation::selu:
      return f(Selu{});
    case Activation::gelu:
      return f(Gelu{});
    case Activation::gelu_tanh:
      return f(GeluTanh{});
    case Activation::silu:
      return f(Silu{});
    case Activation::sigmoid:
      return f(Sigmoid{});
    case Activation::tanh:
      return f(Tanh{});
    case Activation::softplus:
      return f(Softplus{});
    case Activation::exp:
      return f(Exp{});
    case Activation::linear:
    case Activation::count:
      return f(Linear{});
  }
}

// row[0 .. n-1] = act(row), for the epilogue of the matrix product.
inline void apply_activation(Activation activation, float alpha, float* row, int64_t n) {
  if (activation == Activation::linear) return;
  with_activation(activation, alpha, [&](auto act) {
    for_vectors(0, n,
                [&](int64_t i, auto lanes) { lanes.store(act(lanes.load(row + i)), row + i); });
  });
}

}  // namespace fastnn::FASTNN_ISA
