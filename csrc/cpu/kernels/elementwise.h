// Elementwise arithmetic, one struct each, as `activations.h` has the activation functions: for the
// kernels of the CPU and of CUDA alike.
#pragma once

#include "cpu/kernels/activations.h"

namespace fastnn::FASTNN_ISA {

// ---- of one operand
struct Affine {  // x * scale, then + shift: two roundings
  float scale, shift;
  FASTNN_INLINE Vec operator()(Vec x) const { return x * Vec::set(scale) + Vec::set(shift); }
};
struct Square {
  FASTNN_INLINE Vec operator()(Vec x) const { return x * x; }
};
struct Sqrt {
  FASTNN_INLINE Vec operator()(Vec x) const { return sqrt(x); }
};
struct Abs {
  FASTNN_INLINE Vec operator()(Vec x) const { return abs(x); }
};
struct Sign {
  FASTNN_INLINE Vec operator()(Vec x) const { return sign(x); }
};
struct Log {
  FASTNN_INLINE Vec operator()(Vec x) const { return log(x); }
};

// The general ReLU of Keras: x above the threshold, at most max_value (infinity: no bound), and
// negative_slope * (x - threshold) below. Its gradient reads x.
struct ClippedRelu {
  float negative_slope, max_value, threshold;
  FASTNN_INLINE Vec operator()(Vec x) const {
    const Vec left = (x - Vec::set(threshold)) * Vec::set(negative_slope);
    return keep_nan(x, select(gt(x, Vec::set(threshold)), min(x, Vec::set(max_value)), left));
  }
  FASTNN_INLINE Vec grad(Vec dy, Vec x) const {
    const Vec right = select(le(x, Vec::set(max_value)), dy, Vec::zero());
    const Vec left = dy * Vec::set(negative_slope);
    return keep_nan(x, select(gt(x, Vec::set(threshold)), right, left));
  }
};

// Into [low, high]; the gradient passes on the closed interval.
struct Clip {
  float low, high;
  FASTNN_INLINE Vec operator()(Vec x) const { return min(max(x, Vec::set(low)), Vec::set(high)); }
  FASTNN_INLINE Vec grad(Vec dy, Vec x) const {
    const Mask outside = lt(x, Vec::set(low)) | gt(x, Vec::set(high));
    return keep_nan(x, select(outside, Vec::zero(), dy));
  }
};

// ---- of two operands
struct Add {
  FASTNN_INLINE Vec operator()(Vec a, Vec b) const { return a + b; }
};
struct Subtract {
  FASTNN_INLINE Vec operator()(Vec a, Vec b) const { return a - b; }
};
struct Multiply {
  FASTNN_INLINE Vec operator()(Vec a, Vec b) const { return a * b; }
};
struct Divide {
  FASTNN_INLINE Vec operator()(Vec a, Vec b) const { return a / b; }
};
struct Maximum {
  FASTNN_INLINE Vec operator()(Vec a, Vec b) const { return max(a, b); }
};
struct Minimum {
  FASTNN_INLINE Vec operator()(Vec a, Vec b) const { return min(a, b); }
};
// 1 where a > b, 0.5 where equal, 0 where a < b, NaN where either is.
struct Heaviside {
  FASTNN_INLINE Vec operator()(Vec a, Vec b) const {
    const Vec half = select(eq(a, b), Vec::set(0.5f), a + b);
    const Vec below = select(lt(a, b), Vec::zero(), half);
    return select(gt(a, b), Vec::set(1.0f), below);
  }
};

}  // namespace fastnn::FASTNN_ISA
