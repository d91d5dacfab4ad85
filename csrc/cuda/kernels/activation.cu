// The activation functions and their gradients.
#include "cuda/device/map.h"

namespace fastnn::cuda {

void relu(const Call& call, Stream& stream) { map(call, stream, Relu{}); }
void relu_grad(const Call& call, Stream& stream) { map_grad(call, stream, Relu{}); }
void leaky_relu(const Call& call, Stream& stream) { map(call, stream, LeakyRelu{call.scalar(0)}); }
void leaky_relu_grad(const Call& call, Stream& stream) {
  map_grad(call, stream, LeakyRelu{call.scalar(0)});
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

}  // namespace fastnn::cuda
