// Metrics: one value a row, then sums in float64 that live across minibatches.
//
// A label here is only compared or checked, never a fault: Keras counts a label outside [0, c) as
// wrong, and a loss with `ignore` may allow it.
#pragma once

#include "cpu/kernels/loop.h"

namespace fastnn::FASTNN_ISA {

// Index of the first maximum; NaN is never larger.
FASTNN_INLINE int64_t argmax(const float* x, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; ++i) {
    if (x[i] > x[best]) best = i;
  }
  return best;
}

// Whether fewer than k scores are above the label's (ties count as in), as tf.math.in_top_k: a
// score that is not finite makes it false.
FASTNN_INLINE bool in_top_k(const float* scores, int64_t n, int64_t label, double k) {
  if (label < 0 || label >= n) return false;
  int64_t above = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (!__builtin_isfinite(scores[i])) return false;
    above += scores[i] > scores[label];
  }
  return static_cast<double>(above) < k;
}

// out[row] = hit(row, prediction of the row).
template <class Hit>
FASTNN_INLINE void row_hits(const Call& call, const Share& share, Hit hit) {
  const int64_t c = call.dim[1];
  const Range rows = share.split(call.dim[0], 16);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    call.out<float>(2)[row] = hit(row, call.in<float>(1) + row * c) ? 1.0f : 0.0f;
  }
}

void sparse_categorical_accuracy(const Call& call, const Share& share) {
  row_hits(call, share, [&](int64_t row, const float* p) {
    return call.in<std::int32_t>(0)[row] == argmax(p, call.dim[1]);
  });
}
void categorical_accuracy(const Call& call, const Share& share) {
  const int64_t c = call.dim[1];
  row_hits(call, share, [&](int64_t row, const float* p) {
    return argmax(call.in<float>(0) + row * c, c) == argmax(p, c);
  });
}
void sparse_top_k(const Call& call, const Share& share) {
  row_hits(call, share, [&](int64_t row, const float* p) {
    return in_top_k(p, call.dim[1], call.in<std::int32_t>(0)[row], call.attr[0]);
  });
}
void top_k(const Call& call, const Share& share) {
  const int64_t c = call.dim[1];
  row_hits(call, share, [&](int64_t row, const float* p) {
    return in_top_k(p, c, argmax(call.in<float>(0) + row * c, c), call.attr[0]);
  });
}

// Mean over the columns of (prediction > threshold) == target.
void binary_accuracy(const Call& call, const Share& share) {
  const int64_t c = call.dim[1];
  const Vec threshold = Vec::set(call.scalar(0)), one = Vec::set(1.0f), zero = Vec::zero();
  const Range rows = share.split(call.dim[0], 16);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const float* t = call.in<float>(0) + row * c;
    const float* p = call.in<float>(1) + row * c;
    const double hits = sum(c, [&](int64_t i, auto lanes) {
      const Vec predicted = select(gt(lanes.load(p + i), threshold), one, zero);
      return select(eq(predicted, lanes.load(t + i)), one, zero);
    });
    call.out<float>(2)[row] = static_cast<float>(hits / static_cast<double>(c));
  }
}

// total += sum(values w), count += sum(w), where w = weights * `weight`. Part 0 does it, row by
// row.
void accumulate(const Call& call, const Share& share) {
  if (share.part != 0) return;
  double* state = call.out<double>(0);
  const float* values = call.in<float>(1);
  const float* weights = call.in<float>(2);
  double total = 0, count = 0;
  for (int64_t i = 0; i < call.dim[0]; ++i) {
    const double w = weights ? weights[i] : 1.0;
    total += w * values[i];
    count += w;
  }
  state[0] += call.attr[0] * total;
  state[1] += call.attr[0] * count;
}

// Rows tp, fp, tn, fn of [4, t]: each element adds its weight to one of tp, fn (target not 0) or to
// one of fp, tn, at every threshold. Shares are ranges of thresholds.
void accumulate_confusion(const Call& call, const Share& share) {
  const int64_t t = call.dim[0], n = call.dim[1];
  double* state = call.out<double>(0);
  const float* targets = call.in<float>(1);
  const float* predictions = call.in<float>(2);
  const float* weights = call.in<float>(3);
  const float* thresholds = call.in<float>(4);
  const Range range = share.split(t, 8);
  for (int64_t i = 0; i < n; ++i) {
    const bool positive = targets[i] != 0;
    double* above = state + (positive ? 0 : t);          // tp or fp
    double* below = state + (positive ? 3 * t : 2 * t);  // fn or tn
    const float prediction = predictions[i];
    const double w = weights ? weights[i] : 1.0;
    for (int64_t j = range.begin; j < range.end; ++j) {
      const bool hit = prediction > thresholds[j];
      above[j] += hit ? w : 0.0;
      below[j] += hit ? 0.0 : w;
    }
  }
}

}  // namespace fastnn::FASTNN_ISA
