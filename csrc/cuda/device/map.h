// Elementwise kernels of one operand, and their gradients, of two: `cpu/kernels/unary.h` on the
// device, with the same functions.
#pragma once

#include "cuda/device/loop.h"

namespace fastnn::cuda {

// y[i] = f(x[i]). y may be x.
template <class F>
__global__ void __launch_bounds__(kThreads)
    map_kernel(int64_t n, const float* x, float* y, bool vectors, F f) {
  for_packs(n, vectors, [&](int64_t i, auto lanes) { lanes.store(f(lanes.load(x + i)), y + i); });
}

// dx[i] = act.grad(dy[i], saved[i]). dx may be either.
template <class Act>
__global__ void __launch_bounds__(kThreads)
    map_grad_kernel(int64_t n, const float* dy, const float* saved, float* dx, bool vectors,
                    Act act) {
  for_packs(n, vectors, [&](int64_t i, auto lanes) {
    lanes.store(act.grad(lanes.load(dy + i), lanes.load(saved + i)), dx + i);
  });
}

template <class F>
void map(const Call& call, Stream& stream, F f) {
  const int64_t n = call.dim[0];
  const float* x = call.in<float>(0);
  float* y = call.out<float>(1);
  stream.launch(map_kernel<F>, stream.spread_packs(n), n, x, y, aligned(x, y), f);
}

template <class Act>
void map_grad(const Call& call, Stream& stream, Act act) {
  const int64_t n = call.dim[0];
  const float* dy = call.in<float>(0);
  const float* saved = call.in<float>(1);
  float* dx = call.out<float>(2);
  stream.launch(map_grad_kernel<Act>, stream.spread_packs(n), n, dy, saved, dx,
                aligned(dy, saved, dx), act);
}

}  // namespace fastnn::cuda
