// Reductions, and what undoes their shapes. All sums have a fixed order: see loop.h.
#pragma once

#include "cpu/kernels/activations.h"

namespace fastnn::FASTNN_ISA {

inline constexpr int64_t kRowBlock = 256;  // rows of a column sum that are added before the total

// Folds the rows of K vectors that lie side by side: total = step(total, block) over blocks of
// kRowBlock rows, where block = step(block, row(i, k)) row by row. Two levels keep the rounding
// error of long sums small. Ends with done(k, total).
template <int K, class Row, class Step, class Done>
FASTNN_INLINE void fold_rows(int64_t rows, float start, Row row, Step step, Done done) {
  Vec total[K];
  for (int k = 0; k < K; ++k) total[k] = Vec::set(start);
  for (int64_t begin = 0; begin < rows; begin += kRowBlock) {
    const int64_t end = rows < begin + kRowBlock ? rows : begin + kRowBlock;
    Vec block[K];
    for (int k = 0; k < K; ++k) block[k] = Vec::set(start);
    for (int64_t i = begin; i < end; ++i) {
      for (int k = 0; k < K; ++k) block[k] = step(block[k], row(i, k));
    }
    for (int k = 0; k < K; ++k) total[k] = step(total[k], block[k]);
  }
  for (int k = 0; k < K; ++k) done(k, total[k]);
}

// Folds the columns [begin, end): four vectors at a time use whole cache lines of each row.
// row(i, j, lanes) gives the values of row i from column j on; done(j, value, lanes) takes the
// results.
template <class Row, class Step, class Done>
FASTNN_INLINE void fold_columns(int64_t begin, int64_t end, int64_t rows, float start, Row row,
                                Step step, Done done) {
  constexpr int N = Vec::N;
  int64_t j = begin;
  for (; j + 4 * N <= end; j += 4 * N) {
    fold_rows<4>(
        rows, start, [&](int64_t i, int k) { return row(i, j + k * N, AllLanes{}); }, step,
        [&](int k, Vec value) { done(j + k * N, value, AllLanes{}); });
  }
  for_vectors(j, end, [&](int64_t at, auto lanes) {
    fold_rows<1>(
        rows, start, [&](int64_t i, int) { return row(i, at, lanes); }, step,
        [&](int, Vec value) { done(at, value, lanes); });
  });
}

FASTNN_INLINE Vec plus(Vec a, Vec b) { return a + b; }

// out[o, j] = fold of x[o, :, j], for inner > 1: vectors lie across j.
template <class Step, class Finish>
FASTNN_INLINE void reduce_columns(const Call& call, const Share& share, float start, Step step,
                                  Finish finish) {
  const int64_t outer = call.dim[0], axis = call.dim[1], inner = call.dim[2];
  const float* x = call.in<float>(0);
  float* out = call.out<float>(1);
  const Range range = share.split(outer * inner, 16);
  for_row_segments(range, inner, [&](int64_t o, int64_t begin, int64_t end) {
    const float* slab = x + o * axis * inner;
    const auto row = [&](int64_t i, int64_t j, auto lanes) {
      return lanes.load(slab + i * inner + j);
    };
    fold_columns(begin, end, axis, start, row, step, [&](int64_t j, Vec value, auto lanes) {
      lanes.store(finish(value), out + o * inner + j);
    });
  });
}

// out = scale * sum over the axis.
void reduce_sum(const Call& call, const Share& share) {
  const int64_t outer = call.dim[0], axis = call.dim[1], inner = call.dim[2];
  const float scale = call.scalar(0);
  if (inner != 1) {
    return reduce_columns(call, share, 0.0f, plus, [=](Vec s) { return s * Vec::set(scale); });
  }
  const float* x = call.in<float>(0);
  float* out = call.out<float>(1);
  const Range rows = share.split(outer, 16);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const float* values = x + row * axis;
    const double total = sum(axis, [&](int64_t i, auto lanes) { return lanes.load(values + i); });
    out[row] = static_cast<float>(total) * scale;
  }
}

// Largest over the axis; NaN if any is. An empty axis gives -inf.
void reduce_max(const Call& call, const Share& share) {
  const int64_t outer = call.dim[0], axis = call.dim[1], inner = call.dim[2];
  if (inner != 1) {
    const auto larger = [](Vec a, Vec b) { return max(a, b); };
    return reduce_columns(call, share, -kInfinity, larger, [](Vec m) { return m; });
  }
  const float* x = call.in<float>(0);
  float* out = call.out<float>(1);
  const Range rows = share.split(outer, 16);
  for (int64_t row = rows.begin; row < rows.end; ++row) out[row] = max_of(x + row * axis, axis);
}

// out[o, a, j] = scale * x[o, j].
void broadcast_axis(const Call& call, const Share& share) {
  const int64_t outer = call.dim[0], inner = call.dim[1], axis = call.dim[2];
  const float* x = call.in<float>(0);
  float* out = call.out<float>(1);
  const Vec scale = Vec::set(call.scalar(0));
  if (inner == 1) {  // each value fills a row of `axis`
    const Range range = share.split(outer * axis, kGrain);
    return for_row_segments(range, axis, [&](int64_t o, int64_t begin, int64_t end) {
      const Vec value = Vec::set(x[o]) * scale;
      for_vectors(begin, end,
                  [&](int64_t i, auto lanes) { lanes.store(value, out + o * axis + i); });
    });
  }
  const Range range = share.split(outer * axis * inner, kGrain);
  for_row_segments(range, inner, [&](int64_t row, int64_t begin, int64_t end) {
    const float* values = x + row / axis * inner;
    for_vectors(begin, end, [&](int64_t i, auto lanes) {
      lanes.store(lanes.load(values + i) * scale, out + row * inner + i);
    });
  });
}

// db[j] = sum over rows of dz[:, j], dz = dy * act'(saved); dz is kept if its operand is present.
// Shares are blocks of columns, so that each sum runs down its rows in one thread.
template <class Act>
FASTNN_INLINE void grad_bias(const Call& call, const Share& share, Act act) {
  const int64_t r = call.dim[0], c = call.dim[1];
  const float* dy = call.in<float>(0);
  const float* saved = call.in<float>(1) ? call.in<float>(1) : dy;  // linear reads none
  float* dz = call.out<float>(2);
  float* db = call.out<float>(3);
  const Range columns = share.split(c, 16);
  const auto row = [&](int64_t i, int64_t j, auto lanes) {
    const int64_t at = i * c + j;
    const Vec grad = act.grad(lanes.load(dy + at), lanes.load(saved + at));
    if (dz) lanes.store(grad, dz + at);
    return grad;
  };
  fold_columns(columns.begin, columns.end, r, 0.0f, row, plus,
               [&](int64_t j, Vec value, auto lanes) { lanes.store(value, db + j); });
}
void activation_grad_bias(const Call& call, const Share& share) {
  with_activation(static_cast<Activation>(static_cast<int>(call.attr[0])), call.scalar(1),
                  [&](auto act) { grad_bias(call, share, act); });
}

// ---- sums to one value: part 0 does them, the operands are small (a minibatch, a layer)

// The divisor of weighted_sum: as given, or the sum of the weights (n without weights).
FASTNN_INLINE double divisor_of(const Call& call, const float* weights, int64_t n) {
  if (call.attr[0] != 0) return call.attr[0];
  if (!weights) return static_cast<double>(n);
  return sum(n, [&](int64_t i, auto lanes) { return lanes.load(weights + i); });
}
// Weights that sum to 0 give 0, not NaN (as Keras' divide_no_nan).
FASTNN_INLINE double divide_no_nan(double a, double b) { return b == 0 ? 0 : a / b; }

void weighted_sum(const Call& call, const Share& share) {
  if (share.part != 0) return;
  const int64_t n = call.dim[0];
  const float* values = call.in<float>(0);
  const float* weights = call.in<float>(1);
  const double total = sum(n, [&](int64_t i, auto lanes) {
    const Vec v = lanes.load(values + i);
    return weights ? v * lanes.load(weights + i) : v;
  });
  *call.out<float>(2) = static_cast<float>(divide_no_nan(total, divisor_of(call, weights, n)));
}

void weighted_sum_grad(const Call& call, const Share& share) {
  const int64_t n = call.dim[0];
  const float* weights = call.in<float>(1);
  float* out = call.out<float>(2);
  // Every part computes the same divisor: its order does not depend on the parts.
  const double each = divide_no_nan(*call.in<float>(0), divisor_of(call, weights, n));
  const Vec factor = Vec::set(static_cast<float>(each));
  const Range range = share.split(n, kGrain);
  for_vectors(range.begin, range.end, [&](int64_t i, auto lanes) {
    lanes.store(weights ? factor * lanes.load(weights + i) : factor, out + i);
  });
}

void square_sums(const Call& call, const Share& share) {
  const int64_t n = call.dim[0], blocks = call.dim[1];
  const float* x = call.in<float>(0);
  float* out = call.out<float>(1);
  const Range range = share.split(blocks);
  for (int64_t block = range.begin; block < range.end; ++block) {
    const int64_t begin = block * kSumBlock < n ? block * kSumBlock : n;
    const int64_t end = n < begin + kSumBlock ? n : begin + kSumBlock;
    out[block] = sum_block(begin, end, [&](int64_t i, auto lanes) {
      const Vec v = lanes.load(x + i);
      return v * v;
    });
  }
}

// limit / max(norm, limit), the factor that brings a gradient's norm down to the limit: 1 for a
// zero norm. A norm that is not finite gives NaN, as Keras' clip_by_global_norm does.
void norm_scale(const Call& call, const Share& share) {
  if (share.part != 0) return;
  const float* sums = call.in<float>(0);
  const double limit = call.attr[0];
  double squares = 0;
  for (int64_t i = 0; i < call.dim[0]; ++i) squares += sums[i];
  const double norm = __builtin_sqrt(squares);
  const double factor = norm > limit ? limit / norm : 1.0;
  *call.out<float>(1) = static_cast<float>(factor + (norm - norm));
}

void l1_l2(const Call& call, const Share& share) {
  if (share.part != 0) return;
  const float* w = call.in<float>(0);
  const auto absolute = [&](int64_t i, auto lanes) { return abs(lanes.load(w + i)); };
  const auto squared = [&](int64_t i, auto lanes) {
    const Vec v = lanes.load(w + i);
    return v * v;
  };
  const double l1 = call.attr[0], l2 = call.attr[1];
  double penalty = 0;
  if (l1 != 0) penalty += l1 * sum(call.dim[0], absolute);
  if (l2 != 0) penalty += l2 * sum(call.dim[0], squared);
  *call.out<float>(1) = static_cast<float>(penalty);
}

// dy * (l1 sign(w) + 2 l2 w).
void l1_l2_grad(const Call& call, const Share& share) {
  const Vec dy = Vec::set(*call.in<float>(0));
  const float* w = call.in<float>(1);
  float* out = call.out<float>(2);
  const Vec l1 = Vec::set(call.scalar(0)), l2 = Vec::set(2.0f * call.scalar(1));
  const Range range = share.split(call.dim[0], kGrain);
  for_vectors(range.begin, range.end, [&](int64_t i, auto lanes) {
    const Vec v = lanes.load(w + i);
    lanes.store(dy * (l1 * sign(v) + l2 * v), out + i);
  });
}

}  // namespace fastnn::FASTNN_ISA
