// The backward pass of a layer's bias and activation: dz = dy * act'(saved), and db, its column
// sums, in one pass over both.
#include "cuda/device/columns.h"

namespace fastnn::cuda {
namespace {

// db[j] = sum over rows of dz[:, j], dz = dy * act'(saved); dz is kept unless it is nullptr.
template <class Act>
__global__ void __launch_bounds__(kThreads)
    grad_bias_kernel(int64_t r, int64_t c, const float* dy, const float* saved, float* dz,
                     float* db, bool vectors, Act act) {
  fold_columns_of_block(
      r, c, vectors, 0.0f,
      [&](int64_t row, int64_t j, auto lanes) {
        const int64_t at = row * c + j;
        const Vec grad = act.grad(lanes.load(dy + at), lanes.load(saved + at));
        if (dz != nullptr) lanes.store(grad, dz + at);
        return grad;
      },
      Sum{}, [&](int64_t j, Vec total, auto lanes) { lanes.store(total, db + j); });
}

}  // namespace

void activation_grad_bias(const Call& call, Stream& stream) {
  const int64_t r = call.dim[0], c = call.dim[1];
  const float* dy = call.in<float>(0);
  const float* saved = call.in<float>(1) ? call.in<float>(1) : dy;  // linear reads none
  float* dz = call.out<float>(2);
  float* db = call.out<float>(3);
  const bool vectors = c % 4 == 0 && aligned(dy, saved, dz, db);
  const auto activation = static_cast<Activation>(static_cast<int>(call.attr[0]));
  with_activation(activation, call.scalar(1), [&](auto act) {
    stream.launch(grad_bias_kernel<decltype(act)>, column_shape(stream, 1, c), r, c, dy, saved, dz,
                  db, vectors, act);
  });
}

}  // namespace fastnn::cuda
