// Losses element by element, one struct each, forward and backward side by side, for the kernels of
// the CPU and of CUDA alike:
//
//   kMean             a row's loss is the mean of its elements' values, else their sum
//   value(t, p)       the value of an element with target t and prediction p
//   slope(t, p)       its derivative by p
//
// They follow Keras 3 on TensorFlow: where a prediction was clipped its slope is zero, and a bound
// itself counts as not clipped. NaN in either operand comes out as NaN.
#pragma once

#include "cpu/kernels/activations.h"

namespace fastnn::FASTNN_ISA {

struct SquaredError {
  static constexpr bool kMean = true;
  FASTNN_INLINE Vec value(Vec t, Vec p) const { return (p - t) * (p - t); }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const { return (p - t) * Vec::set(2.0f); }
};

// Half the squared distance of a row, not divided by the number of columns.
struct HalfSquaredError {
  static constexpr bool kMean = false;
  FASTNN_INLINE Vec value(Vec t, Vec p) const { return (p - t) * (p - t) * Vec::set(0.5f); }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const { return p - t; }
};

struct AbsoluteError {
  static constexpr bool kMean = true;
  FASTNN_INLINE Vec value(Vec t, Vec p) const { return abs(p - t); }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const { return sign(p - t); }
};

struct Huber {
  static constexpr bool kMean = true;
  float delta;
  FASTNN_INLINE Vec value(Vec t, Vec p) const {
    const Vec error = abs(p - t), half = Vec::set(0.5f), d = Vec::set(delta);
    return select(le(error, d), half * error * error, d * error - half * d * d);
  }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const {
    return min(max(p - t, Vec::set(-delta)), Vec::set(delta));
  }
};

// log cosh x = |x| + log(1 + e^(-2|x|)) - log 2.
struct LogCosh {
  static constexpr bool kMean = true;
  FASTNN_INLINE Vec value(Vec t, Vec p) const {
    const Vec x = abs(p - t);
    return x + log1p_unit(exp_bounded(x * Vec::set(-2.0f))) - Vec::set(0.693147181f);
  }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const { return tanh(p - t); }
};

// Sum of t log(t / p), both clipped to [epsilon, 1].
struct KlDivergence {
  static constexpr bool kMean = false;
  float epsilon;
  FASTNN_INLINE Vec clipped(Vec x) const { return min(max(x, Vec::set(epsilon)), Vec::set(1.0f)); }
  FASTNN_INLINE Vec value(Vec t, Vec p) const { return clipped(t) * log(clipped(t) / clipped(p)); }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const {
    const Mask outside = lt(p, Vec::set(epsilon)) | gt(p, Vec::set(1.0f));
    return keep_nan(t, select(outside, Vec::zero(), -(clipped(t) / clipped(p))));
  }
};

struct Poisson {
  static constexpr bool kMean = true;
  float epsilon;
  FASTNN_INLINE Vec value(Vec t, Vec p) const { return p - t * log(p + Vec::set(epsilon)); }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const {
    return Vec::set(1.0f) - t / (p + Vec::set(epsilon));
  }
};

// max(1 - t p, 0) for targets that are -1 or 1. On the corner the left slope holds, as in
// TensorFlow.
struct Hinge {
  static constexpr bool kMean = true;
  FASTNN_INLINE static Vec margin(Vec t, Vec p) { return Vec::set(1.0f) - t * p; }
  FASTNN_INLINE Vec value(Vec t, Vec p) const { return max(margin(t, p), Vec::zero()); }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const {
    const Vec m = margin(t, p);
    return keep_nan(m, select(lt(m, Vec::zero()), Vec::zero(), -t));
  }
};

// Probabilities are clipped to [epsilon, 1 - epsilon].
struct Clipping {
  float low, high;
  FASTNN_INLINE explicit Clipping(double epsilon)
      : low(static_cast<float>(epsilon)), high(static_cast<float>(1.0 - epsilon)) {}
  FASTNN_INLINE Vec operator()(Vec p) const { return min(max(p, Vec::set(low)), Vec::set(high)); }
  FASTNN_INLINE Mask outside(Vec p) const { return lt(p, Vec::set(low)) | gt(p, Vec::set(high)); }
};

// From probabilities: -(t log p + (1 - t) log(1 - p)).
struct BinaryCrossentropy {
  static constexpr bool kMean = true;
  Clipping clipped;
  FASTNN_INLINE Vec value(Vec t, Vec p) const {
    const Vec one = Vec::set(1.0f), q = clipped(p);
    return -(t * log(q) + (one - t) * log(one - q));
  }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const {
    const Vec q = clipped(p);
    const Vec inside = (q - t) / (q * (Vec::set(1.0f) - q));
    return keep_nan(t, select(clipped.outside(p), Vec::zero(), inside));
  }
};

// From logits: max(x, 0) - x t + log(1 + e^-|x|).
struct SigmoidCrossentropy {
  static constexpr bool kMean = true;
  FASTNN_INLINE Vec value(Vec t, Vec x) const {
    return (max(x, Vec::zero()) - x * t) + log1p_unit(exp_bounded(-abs(x)));
  }
  FASTNN_INLINE Vec slope(Vec t, Vec x) const { return sigmoid(x) - t; }
};

}  // namespace fastnn::FASTNN_ISA
