// Elementwise kernels of one operand, and their gradients, of two: `cpu/kernels/unary.h` on the
// device, with the same functions.
#include "cuda/device/loop.h"

namespace fastnn::cuda {
namespace {

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

}  // namespace

// ---- activations
void relu(const Call& call, Stream& stream) { map(call, stream, Relu{}); }
void relu_grad(const Call& call, Stream& stream) { map_grad(call, stream, Relu{}); }
void leaky_relu(const Call& call, Stream& stream) { map(call, stream, LeakyRelu{call.scalar(0)}); }
void leaky_relu_grad(const Call& call, Stream& stream) {
  map_grad(call, stream, LeakyRelu{call.scalar(0)});
}
void clipped_relu(const Call& call, Stream& stream) {
  map(call, stream, ClippedRelu{call.scalar(0), call.scalar(1), call.scalar(2)});
}
void clipped_relu_grad(const Call& call, Stream& stream) {
  map_grad(call, stream, ClippedRelu{call.scalar(0), call.scalar(1), call.scalar(2)});
}
void elu(const Call& call, Stream& stream) { map(call, stream, Elu{call.scalar(0)}); }
void elu_grad(const Call& call, Stream& stream) { map_grad(call, stream, Elu{call.scalar(0)}); }
void selu(const Call& call, Stream& stream) { map(call, stream, Selu{}); }
void selu_grad(const Call& call, Stream& stream) { map_grad(call, stream, Selu{}); }
void gelu(const Call& call, Stream& stream) { map(call, stream, Gelu{}); }
void gelu_grad(const Call& call, Stream& stream) { map_grad(call, stream, Gelu{}); }
void gelu_tanh(const Call& call, Stream& stream) { map(call, stream, GeluTanh{}); }
void gelu_tanh_grad(const Call& call, Stream& stream) { map_grad(call, stream, GeluTanh{}); }
void silu(const Call& call, Stream& stream) { map(call, stream, Silu{}); }
void silu_grad(const Call& call, Stream& stream) { map_grad(call, stream, Silu{}); }
void sigmoid(const Call& call, Stream& stream) { map(call, stream, Sigmoid{}); }
void sigmoid_grad(const Call& call, Stream& stream) { map_grad(call, stream, Sigmoid{}); }
void tanh(const Call& call, Stream& stream) { map(call, stream, Tanh{}); }
void tanh_grad(const Call& call, Stream& stream) { map_grad(call, stream, Tanh{}); }
void softplus(const Call& call, Stream& stream) { map(call, stream, Softplus{}); }
void softplus_grad(const Call& call, Stream& stream) { map_grad(call, stream, Softplus{}); }
void exp(const Call& call, Stream& stream) { map(call, stream, Exp{}); }

// ---- arithmetic of one operand
void affine(const Call& call, Stream& stream) {
  map(call, stream, Affine{call.scalar(0), call.scalar(1)});
}
void square(const Call& call, Stream& stream) { map(call, stream, Square{}); }
void sqrt(const Call& call, Stream& stream) { map(call, stream, Sqrt{}); }
void abs(const Call& call, Stream& stream) { map(call, stream, Abs{}); }
void sign(const Call& call, Stream& stream) { map(call, stream, Sign{}); }
void log(const Call& call, Stream& stream) { map(call, stream, Log{}); }
void copy(const Call& call, Stream& stream) { map(call, stream, Linear{}); }
void clip(const Call& call, Stream& stream) {
  map(call, stream, Clip{call.scalar(0), call.scalar(1)});
}
void clip_grad(const Call& call, Stream& stream) {
  map_grad(call, stream, Clip{call.scalar(0), call.scalar(1)});
}

}  // namespace fastnn::cuda
