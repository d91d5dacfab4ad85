// Losses that are a sum or a mean over the columns of each row: (target, prediction) -> [r].
// One struct each, forward and backward side by side:
//
//   kMean             the row's value is the mean of its elements' values, else their sum
//   value(t, p)       an element's value
//   slope(t, p)       its derivative by p
//
// They follow Keras 3 on TensorFlow: where a prediction was clipped its slope is zero, and a bound
// itself counts as not clipped. NaN in either operand comes out as NaN.
// The cross-entropies over classes, which need whole rows, are in loss_classes.h.
#pragma once

#include "cpu/kernels/activations.h"

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

struct SquaredError {
  static constexpr bool kMean = true;
  FASTNN_INLINE Vec value(Vec t, Vec p) const { return (p - t) * (p - t); }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const { return (p - t) * Vec::set(2.0f); }
};

// Half the squared distance of a row, not divided by the number of columns.
struct HalfSquaredError {
  static constexpr bool kMean = false;
  FASTNN_INLINE Vec value(Vec t, Vec p) const { return (p - t) * (p - t) * Vec::set(0.5f); }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const { return p - t; }
};

struct AbsoluteError {
  static constexpr bool kMean = true;
  FASTNN_INLINE Vec value(Vec t, Vec p) const { return abs(p - t); }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const { return sign(p - t); }
};

struct Huber {
  static constexpr bool kMean = true;
  float delta;
  FASTNN_INLINE Vec value(Vec t, Vec p) const {
    const Vec error = abs(p - t), half = Vec::set(0.5f), d = Vec::set(delta);
    return select(le(error, d), half * error * error, d * error - half * d * d);
  }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const {
    return min(max(p - t, Vec::set(-delta)), Vec::set(delta));
  }
};

// log cosh x = |x| + log(1 + e^(-2|x|)) - log 2.
struct LogCosh {
  static constexpr bool kMean = true;
  FASTNN_INLINE Vec value(Vec t, Vec p) const {
    const Vec x = abs(p - t);
    return x + log1p_unit(exp_bounded(x * Vec::set(-2.0f))) - Vec::set(0.693147181f);
  }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const { return tanh(p - t); }
};

// Sum of t log(t / p), both clipped to [epsilon, 1].
struct KlDivergence {
  static constexpr bool kMean = false;
  float epsilon;
  FASTNN_INLINE Vec clipped(Vec x) const { return min(max(x, Vec::set(epsilon)), Vec::set(1.0f)); }
  FASTNN_INLINE Vec value(Vec t, Vec p) const { return clipped(t) * log(clipped(t) / clipped(p)); }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const {
    const Mask outside = lt(p, Vec::set(epsilon)) | gt(p, Vec::set(1.0f));
    return keep_nan(t, select(outside, Vec::zero(), -(clipped(t) / clipped(p))));
  }
};

struct Poisson {
  static constexpr bool kMean = true;
  float epsilon;
  FASTNN_INLINE Vec value(Vec t, Vec p) const { return p - t * log(p + Vec::set(epsilon)); }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const {
    return Vec::set(1.0f) - t / (p + Vec::set(epsilon));
  }
};

// max(1 - t p, 0) for targets that are -1 or 1. On the corner the left slope holds, as in
// TensorFlow.
struct Hinge {
  static constexpr bool kMean = true;
  FASTNN_INLINE static Vec margin(Vec t, Vec p) { return Vec::set(1.0f) - t * p; }
  FASTNN_INLINE Vec value(Vec t, Vec p) const { return max(margin(t, p), Vec::zero()); }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const {
    const Vec m = margin(t, p);
    return keep_nan(m, select(lt(m, Vec::zero()), Vec::zero(), -t));
  }
};

// From probabilities, clipped to [epsilon, 1 - epsilon]: -(t log p + (1 - t) log(1 - p)).
struct BinaryCrossentropy {
  static constexpr bool kMean = true;
  float low, high;
  FASTNN_INLINE Vec clipped(Vec p) const { return min(max(p, Vec::set(low)), Vec::set(high)); }
  FASTNN_INLINE Vec value(Vec t, Vec p) const {
    const Vec one = Vec::set(1.0f), q = clipped(p);
    return -(t * log(q) + (one - t) * log(one - q));
  }
  FASTNN_INLINE Vec slope(Vec t, Vec p) const {
    const Vec q = clipped(p);
    const Mask outside = lt(p, Vec::set(low)) | gt(p, Vec::set(high));
    const Vec inside = (q - t) / (q * (Vec::set(1.0f) - q));
    return keep_nan(t, select(outside, Vec::zero(), inside));
  }
};

// From logits: max(x, 0) - x t + log(1 + e^-|x|).
struct SigmoidCrossentropy {
  static constexpr bool kMean = true;
  FASTNN_INLINE Vec value(Vec t, Vec x) const {
    return (max(x, Vec::zero()) - x * t) + log1p_unit(exp_bounded(-abs(x)));
  }
  FASTNN_INLINE Vec slope(Vec t, Vec x) const { return sigmoid(x) - t; }
};

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
  const float high = static_cast<float>(1.0 - call.attr[0]);
  row_losses(call, share, BinaryCrossentropy{call.scalar(0), high});
}
void binary_crossentropy_grad(const Call& call, const Share& share) {
  const float high = static_cast<float>(1.0 - call.attr[0]);
  row_loss_grads(call, share, BinaryCrossentropy{call.scalar(0), high});
}
void sigmoid_crossentropy(const Call& call, const Share& share) {
  row_losses(call, share, SigmoidCrossentropy{});
}
void sigmoid_crossentropy_grad(const Call& call, const Share& share) {
  row_loss_grads(call, share, SigmoidCrossentropy{});
}

}  // namespace fastnn::FASTNN_ISA
