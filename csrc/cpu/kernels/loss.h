// Losses that are a sum or a mean over the columns of each row: (target, prediction) -> [r].
// The kernels; what they do with an element is in loss_terms.h. The cross-entropies over classes,
// which need whole rows, are in loss_classes.h.
#pragma once

#include "cpu/kernels/loss_terms.h"

namespace fastnn::FASTNN_ISA {

// out[row] = loss of the row.
template <class Loss>
FASTNN_INLINE void row_losses(const Call& call, const Share& share, Loss loss) {
  const int64_t r = call.dim[0], c = call.dim[1];
  const float* targets = call.in<float>(0);
  const float* predictions = call.in<float>(1);
  float* out = call.out<float>(2);
  const Range rows = share.split(r, 16);
  if (c == 1) {  // one element a row: vectors lie across rows
    return for_vectors(rows.begin, rows.end, [&](int64_t i, auto lanes) {
      lanes.store(loss.value(lanes.load(targets + i), lanes.load(predictions + i)), out + i);
    });
  }
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const float* t = targets + row * c;
    const float* p = predictions + row * c;
    const double total = sum(
        c, [&](int64_t i, auto lanes) { return loss.value(lanes.load(t + i), lanes.load(p + i)); });
    out[row] = static_cast<float>(Loss::kMean ? total / static_cast<double>(c) : total);
  }
}

// out[row, i] = slope * g[row], g[row] divided by the number of columns for a mean.
template <class Loss>
FASTNN_INLINE void row_loss_grads(const Call& call, const Share& share, Loss loss) {
  const int64_t r = call.dim[0], c = call.dim[1];
  const float* targets = call.in<float>(0);
  const float* predictions = call.in<float>(1);
  const float* g = call.in<float>(2);
  float* out = call.out<float>(3);
  const Range range = share.split(r * c, kGrain);
  if (c == 1) {
    return for_vectors(range.begin, range.end, [&](int64_t i, auto lanes) {
      const Vec slope = loss.slope(lanes.load(targets + i), lanes.load(predictions + i));
      lanes.store(slope * lanes.load(g + i), out + i);
    });
  }
  const float divisor = Loss::kMean ? static_cast<float>(c) : 1.0f;
  for_row_segments(range, c, [&](int64_t row, int64_t begin, int64_t end) {
    const Vec factor = Vec::set(g[row] / divisor);
    for_vectors(row * c + begin, row * c + end, [&](int64_t i, auto lanes) {
      const Vec slope = loss.slope(lanes.load(targets + i), lanes.load(predictions + i));
      lanes.store(slope * factor, out + i);
    });
  });
}

void mean_squared_error(const Call& call, const Share& share) {
  row_losses(call, share, SquaredError{});
}
void mean_squared_error_grad(const Call& call, const Share& share) {
  row_loss_grads(call, share, SquaredError{});
}
void half_squared_error(const Call& call, const Share& share) {
  row_losses(call, share, HalfSquaredError{});
}
void half_squared_error_grad(const Call& call, const Share& share) {
  row_loss_grads(call, share, HalfSquaredError{});
}
void mean_absolute_error(const Call& call, const Share& share) {
  row_losses(call, share, AbsoluteError{});
}
void mean_absolute_error_grad(const Call& call, const Share& share) {
  row_loss_grads(call, share, AbsoluteError{});
}
void huber(const Call& call, const Share& share) { row_losses(call, share, Huber{call.scalar(0)}); }
void huber_grad(const Call& call, const Share& share) {
  row_loss_grads(call, share, Huber{call.scalar(0)});
}
void log_cosh(const Call& call, const Share& share) { row_losses(call, share, LogCosh{}); }
void log_cosh_grad(const Call& call, const Share& share) { row_loss_grads(call, share, LogCosh{}); }
void kl_divergence(const Call& call, const Share& share) {
  row_losses(call, share, KlDivergence{call.scalar(0)});
}
void kl_divergence_grad(const Call& call, const Share& share) {
  row_loss_grads(call, share, KlDivergence{call.scalar(0)});
}
void poisson(const Call& call, const Share& share) {
  row_losses(call, share, Poisson{call.scalar(0)});
}
void poisson_grad(const Call& call, const Share& share) {
  row_loss_grads(call, share, Poisson{call.scalar(0)});
}
void hinge(const Call& call, const Share& share) { row_losses(call, share, Hinge{}); }
void hinge_grad(const Call& call, const Share& share) { row_loss_grads(call, share, Hinge{}); }
void binary_crossentropy(const Call& call, const Share& share) {
  row_losses(call, share, BinaryCrossentropy{Clipping(call.attr[0])});
}
void binary_crossentropy_grad(const Call& call, const Share& share) {
  row_loss_grads(call, share, BinaryCrossentropy{Clipping(call.attr[0])});
}
void sigmoid_crossentropy(const Call& call, const Share& share) {
  row_losses(call, share, SigmoidCrossentropy{});
}
void sigmoid_crossentropy_grad(const Call& call, const Share& share) {
  row_loss_grads(call, share, SigmoidCrossentropy{});
}

}  // namespace fastnn::FASTNN_ISA
