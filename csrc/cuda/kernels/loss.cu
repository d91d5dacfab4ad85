// Losses that are a sum or a mean over the columns of each row, with the CPU's terms.
#include "cuda/device/row_loss.h"

// Written over Vec, which is there now.
#include "cpu/kernels/loss_terms.h"

namespace fastnn::cuda {
namespace {

// One element a row: packs lie across rows.
template <class Loss>
__global__ void __launch_bounds__(kThreads, 4)
    single_losses_kernel(int64_t r, const float* t, const float* p, float* out, bool vectors,
                         Loss loss) {
  for_packs(r, vectors, [&](int64_t i, auto lanes) {
    lanes.store(loss.value(lanes.load(t + i), lanes.load(p + i)), out + i);
  });
}

template <class Loss>
void row_losses(const Call& call, Stream& stream, Loss loss) {
  const int64_t r = call.dim[0], c = call.dim[1];
  const float* t = call.in<float>(0);
  const float* p = call.in<float>(1);
  float* out = call.out<float>(2);
  if (c == 1) {
    return stream.launch(single_losses_kernel<Loss>, stream.spread_packs(r), r, t, p, out,
                         aligned(t, p, out), loss);
  }
  for_rows<Turns::one>(stream, r, c, aligned(t, p), RowLoss<Loss>{t, p, out, loss});
}

// out[row, j] = slope * g[row], g[row] divided by the number of columns for a mean. Where there is
// one column, rows are laid end to end as one row, and each element has a g of its own.
template <class Loss>
__global__ void __launch_bounds__(kThreads, 4)
    loss_grads_kernel(int64_t r, int64_t c, const float* t, const float* p, const float* g,
                      float divisor, bool one_column, float* out, bool vectors, Loss loss) {
  for_row_packs(r, c, vectors, [&](int64_t row, int64_t j, auto lanes) {
    const int64_t i = row * c + j;
    const Vec factor = one_column ? lanes.load(g + i) : Vec::set(g[row] / divisor);
    lanes.store(loss.slope(lanes.load(t + i), lanes.load(p + i)) * factor, out + i);
  });
}

template <class Loss>
void row_loss_grads(const Call& call, Stream& stream, Loss loss) {
  int64_t r = call.dim[0], c = call.dim[1];
  const float* t = call.in<float>(0);
  const float* p = call.in<float>(1);
  const float* g = call.in<float>(2);
  float* out = call.out<float>(3);
  const float divisor = Loss::kMean ? static_cast<float>(c) : 1.0f;
  const bool one_column = c == 1;
  if (one_column) c = r, r = 1;
  const bool vectors = (one_column ? aligned(g) : c % 4 == 0) && aligned(t, p, out);
  stream.launch(loss_grads_kernel<Loss>, stream.spread_rows(r, c), r, c, t, p, g, divisor,
                one_column, out, vectors, loss);
}

}  // namespace

void mean_squared_error(const Call& call, Stream& stream) {
  row_losses(call, stream, SquaredError{});
}
void mean_squared_error_grad(const Call& call, Stream& stream) {
  row_loss_grads(call, stream, SquaredError{});
}
void half_squared_error(const Call& call, Stream& stream) {
  row_losses(call, stream, HalfSquaredError{});
}
void half_squared_error_grad(const Call& call, Stream& stream) {
  row_loss_grads(call, stream, HalfSquaredError{});
}
void mean_absolute_error(const Call& call, Stream& stream) {
  row_losses(call, stream, AbsoluteError{});
}
void mean_absolute_error_grad(const Call& call, Stream& stream) {
  row_loss_grads(call, stream, AbsoluteError{});
}
void huber(const Call& call, Stream& stream) { row_losses(call, stream, Huber{call.scalar(0)}); }
void huber_grad(const Call& call, Stream& stream) {
  row_loss_grads(call, stream, Huber{call.scalar(0)});
}
void log_cosh(const Call& call, Stream& stream) { row_losses(call, stream, LogCosh{}); }
void log_cosh_grad(const Call& call, Stream& stream) { row_loss_grads(call, stream, LogCosh{}); }
void kl_divergence(const Call& call, Stream& stream) {
  row_losses(call, stream, KlDivergence{call.scalar(0)});
}
void kl_divergence_grad(const Call& call, Stream& stream) {
  row_loss_grads(call, stream, KlDivergence{call.scalar(0)});
}
void poisson(const Call& call, Stream& stream) {
  row_losses(call, stream, Poisson{call.scalar(0)});
}
void poisson_grad(const Call& call, Stream& stream) {
  row_loss_grads(call, stream, Poisson{call.scalar(0)});
}
void hinge(const Call& call, Stream& stream) { row_losses(call, stream, Hinge{}); }
void hinge_grad(const Call& call, Stream& stream) { row_loss_grads(call, stream, Hinge{}); }
void binary_crossentropy(const Call& call, Stream& stream) {
  row_losses(call, stream, BinaryCrossentropy{Clipping(call.attr[0])});
}
void binary_crossentropy_grad(const Call& call, Stream& stream) {
  row_loss_grads(call, stream, BinaryCrossentropy{Clipping(call.attr[0])});
}
void sigmoid_crossentropy(const Call& call, Stream& stream) {
  row_losses(call, stream, SigmoidCrossentropy{});
}
void sigmoid_crossentropy_grad(const Call& call, Stream& stream) {
  row_loss_grads(call, stream, SigmoidCrossentropy{});
}

}  // namespace fastnn::cuda
