// Elementwise kernels of one operand (and their gradients, of two).
#pragma once

#include "cpu/kernels/activations.h"

namespace fastnn::FASTNN_ISA {

// y[i] = f(x[i]).
template <class F>
FASTNN_INLINE void map(const Call& call, const Share& share, F f) {
  const float* x = call.in<float>(0);
  float* y = call.out<float>(1);
  const Range range = share.split(call.dim[0], kGrain);
  for_vectors(range.begin, range.end,
              [&](int64_t i, auto lanes) { lanes.store(f(lanes.load(x + i)), y + i); });
}

// dx[i] = act.grad(dy[i], saved[i]).
template <class Act>
FASTNN_INLINE void map_grad(const Call& call, const Share& share, Act act) {
  const float* dy = call.in<float>(0);
  const float* saved = call.in<float>(1);
  float* dx = call.out<float>(2);
  const Range range = share.split(call.dim[0], kGrain);
  for_vectors(range.begin, range.end, [&](int64_t i, auto lanes) {
    lanes.store(act.grad(lanes.load(dy + i), lanes.load(saved + i)), dx + i);
  });
}

// ---- activations
void relu(const Call& call, const Share& share) { map(call, share, Relu{}); }
void relu_grad(const Call& call, const Share& share) { map_grad(call, share, Relu{}); }
void elu(const Call& call, const Share& share) { map(call, share, Elu{call.scalar(0)}); }
void elu_grad(const Call& call, const Share& share) { map_grad(call, share, Elu{call.scalar(0)}); }
void selu(const Call& call, const Share& share) { map(call, share, Selu{}); }
void selu_grad(const Call& call, const Share& share) { map_grad(call, share, Selu{}); }
void gelu(const Call& call, const Share& share) { map(call, share, Gelu{}); }
void gelu_grad(const Call& call, const Share& share) { map_grad(call, share, Gelu{}); }
void gelu_tanh(const Call& call, const Share& share) { map(call, share, GeluTanh{}); }
void gelu_tanh_grad(const Call& call, const Share& share) { map_grad(call, share, GeluTanh{}); }
void silu(const Call& call, const Share& share) { map(call, share, Silu{}); }
void silu_grad(const Call& call, const Share& share) { map_grad(call, share, Silu{}); }
void sigmoid(const Call& call, const Share& share) { map(call, share, Sigmoid{}); }
void sigmoid_grad(const Call& call, const Share& share) { map_grad(call, share, Sigmoid{}); }
void tanh(const Call& call, const Share& share) { map(call, share, Tanh{}); }
void tanh_grad(const Call& call, const Share& share) { map_grad(call, share, Tanh{}); }
void softplus(const Call& call, const Share& share) { map(call, share, Softplus{}); }
void softplus_grad(const Call& call, const Share& share) { map_grad(call, share, Softplus{}); }
void exp(const Call& call, const Share& share) { map(call, share, Exp{}); }

void leaky_relu(const Call& call, const Share& share) {
  map(call, share, LeakyRelu{call.scalar(0)});
}
void leaky_relu_grad(const Call& call, const Share& share) {
  map_grad(call, share, LeakyRelu{call.scalar(0)});
}

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
void clipped_relu(const Call& call, const Share& share) {
  map(call, share, ClippedRelu{call.scalar(0), call.scalar(1), call.scalar(2)});
}
void clipped_relu_grad(const Call& call, const Share& share) {
  map_grad(call, share, ClippedRelu{call.scalar(0), call.scalar(1), call.scalar(2)});
}

// ---- arithmetic of one operand
void affine(const Call& call, const Share& share) {  // x * scale, then + shift: two roundings
  const Vec scale = Vec::set(call.scalar(0)), shift = Vec::set(call.scalar(1));
  map(call, share, [=](Vec x) { return x * scale + shift; });
}
void square(const Call& call, const Share& share) {
  map(call, share, [](Vec x) { return x * x; });
}
void sqrt(const Call& call, const Share& share) {
  map(call, share, [](Vec x) { return sqrt(x); });
}
void abs(const Call& call, const Share& share) {
  map(call, share, [](Vec x) { return abs(x); });
}
void sign(const Call& call, const Share& share) {
  map(call, share, [](Vec x) { return sign(x); });
}
void log(const Call& call, const Share& share) {
  map(call, share, [](Vec x) { return log(x); });
}
void copy(const Call& call, const Share& share) { map(call, share, Linear{}); }

// Into [low, high]; the gradient passes on the closed interval.
struct Clip {
  float low, high;
  FASTNN_INLINE Vec operator()(Vec x) const { return min(max(x, Vec::set(low)), Vec::set(high)); }
  FASTNN_INLINE Vec grad(Vec dy, Vec x) const {
    const Mask outside = lt(x, Vec::set(low)) | gt(x, Vec::set(high));
    return keep_nan(x, select(outside, Vec::zero(), dy));
  }
};
void clip(const Call& call, const Share& share) {
  map(call, share, Clip{call.scalar(0), call.scalar(1)});
}
void clip_grad(const Call& call, const Share& share) {
  map_grad(call, share, Clip{call.scalar(0), call.scalar(1)});
}

}  // namespace fastnn::FASTNN_ISA
