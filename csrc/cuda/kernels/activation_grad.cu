// The backward pass of a layer's bias and activation: dz = dy * act'(saved), and db, its column
// sums, in one pass over both.
#include "cuda/device/columns.h"

namespace fastnn::cuda {
namespace {

// dz = dy * act'(saved), kept unless it is nullptr; db[band, j] = sum over the band's rows of
// dz[:, j].
template <class Act>
__global__ void __launch_bounds__(kThreads)
    grad_bias_kernel(Bands bands, int64_t c, const float* dy, const float* saved, float* dz,
                     float* db, bool vectors, Act act) {
  const int64_t band = blockIdx.y, first = bands.begin(band) * c;
  dy += first, saved += first, db += band * c;
  if (dz != nullptr) dz += first;
  fold_columns_of_block(
      bands.size(band), c, vectors, 0.0f,
      [&](int64_t row, int64_t j, auto lanes) {
        const int64_t at = row * c + j;
        const Vec grad = act.grad(lanes.load(dy + at), lanes.load(saved + at));
        if (dz != nullptr) store_global(lanes, grad, dz + at);
        return grad;
      },
      Sum{}, [&](int64_t j, Vec total, auto lanes) { store_global(lanes, total, db + j); });
}

}  // namespace

void activation_grad_bias(const Call& call, Stream& stream) {
  const int64_t r = call.dim[0], c = call.dim[1];
  const float* dy = call.in<float>(0);
  const float* saved = call.in<float>(1) ? call.in<float>(1) : dy;  // linear reads none
  float* dz = call.out<float>(2);
  float* db = call.out<float>(3);
  const Bands bands = bands_of(r);
  const int64_t count = bands.count();
  float* sums = count == 1 ? db : stream.scratch<float>(count * c);
  const bool vectors = c % 4 == 0 && aligned(dy, saved, dz, sums);
  const auto activation = static_cast<Activation>(static_cast<int>(call.attr[0]));
  with_activation(activation, call.scalar(1), [&](auto act) {
    stream.launch(grad_bias_kernel<decltype(act)>, column_shape(count, c), bands, c, dy, saved, dz,
                  sums, vectors, act);
  });
  if (count > 1) fold_slabs(stream, 1, count, c, sums, db, 0.0f, Sum{}, AsIs{});
}

}  // namespace fastnn::cuda
