// Elementwise kernels of one operand (and their gradients, of two).
#pragma once

#include "cpu/kernels/elementwise.h"

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

void clipped_relu(const Call& call, const Share& share) {
  map(call, share, ClippedRelu{call.scalar(0), call.scalar(1), call.scalar(2)});
}
void clipped_relu_grad(const Call& call, const Share& share) {
  map_grad(call, share, ClippedRelu{call.scalar(0), call.scalar(1), call.scalar(2)});
}

// ---- arithmetic of one operand
void affine(const Call& call, const Share& share) {
  map(call, share, Affine{call.scalar(0), call.scalar(1)});
}
void square(const Call& call, const Share& share) { map(call, share, Square{}); }
void sqrt(const Call& call, const Share& share) { map(call, share, Sqrt{}); }
void abs(const Call& call, const Share& share) { map(call, share, Abs{}); }
void sign(const Call& call, const Share& share) { map(call, share, Sign{}); }
void log(const Call& call, const Share& share) { map(call, share, Log{}); }
void copy(const Call& call, const Share& share) { map(call, share, Linear{}); }
void clip(const Call& call, const Share& share) {
  map(call, share, Clip{call.scalar(0), call.scalar(1)});
}
void clip_grad(const Call& call, const Share& share) {
  map_grad(call, share, Clip{call.scalar(0), call.scalar(1)});
}

}  // namespace fastnn::FASTNN_ISA
