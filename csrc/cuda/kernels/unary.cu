// Arithmetic of one operand.
#include "cuda/device/map.h"

namespace fastnn::cuda {

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

void clipped_relu(const Call& call, Stream& stream) {
  map(call, stream, ClippedRelu{call.scalar(0), call.scalar(1), call.scalar(2)});
}
void clipped_relu_grad(const Call& call, Stream& stream) {
  map_grad(call, stream, ClippedRelu{call.scalar(0), call.scalar(1), call.scalar(2)});
}

}  // namespace fastnn::cuda
