// Cross-entropies over the classes of a row, from probabilities or from logits, with dense targets
// [r, c] or labels [r] (sparse). A label equal to the attribute `ignore` gives a zero loss and a
// zero gradient; -2147483648 there stands for none. Any other label outside [0, c) is a fault and
// gives zeros too.
#pragma once

#include "cpu/kernels/loss_terms.h"
#include "cpu/kernels/softmax.h"

namespace fastnn::FASTNN_ISA {

// body(row), for this share's rows.
template <class Body>
FASTNN_INLINE void for_share_of_rows(const Call& call, const Share& share, Body body) {
  const Range rows = share.split(call.dim[0], 4);
  for (int64_t row = rows.begin; row < rows.end; ++row) body(row);
}

FASTNN_INLINE void zero_row(float* y, int64_t n) {
  for_vectors(0, n, [&](int64_t i, auto lanes) { lanes.store(Vec::zero(), y + i); });
}

// The row's label if it is to be used, else -1.
FASTNN_INLINE int64_t usable_label(const Call& call, int64_t row, double ignore) {
  const int64_t c = call.dim[1];
  const std::int32_t label = call.in<std::int32_t>(0)[row];
  if (ignore != INT32_MIN && label == ignore) return -1;
  if (label >= 0 && label < c) return label;
  call.fail(Fault::label_out_of_range, row, label, c);
  return -1;
}

// ---- from probabilities

// q = p / sum(p); -sum of t log(clipped q).
void categorical_crossentropy(const Call& call, const Share& share) {
  const int64_t c = call.dim[1];
  const Clipping clipped(call.attr[0]);
  for_share_of_rows(call, share, [&](int64_t row) {
    const float* t = call.in<float>(0) + row * c;
    const float* p = call.in<float>(1) + row * c;
    const double total = sum(c, [&](int64_t i, auto lanes) { return lanes.load(p + i); });
    const Vec norm = Vec::set(static_cast<float>(total));
    call.out<float>(2)[row] = static_cast<float>(-sum(c, [&](int64_t i, auto lanes) {
      return lanes.load(t + i) * log(clipped(lanes.load(p + i) / norm));
    }));
  });
}

// With d = -t / q where q was not clipped: dp = (d - sum(d q)) / sum(p).
void categorical_crossentropy_grad(const Call& call, const Share& share) {
  const int64_t c = call.dim[1];
  const Clipping clipped(call.attr[0]);
  for_share_of_rows(call, share, [&](int64_t row) {
    const float* t = call.in<float>(0) + row * c;
    const float* p = call.in<float>(1) + row * c;
    float* out = call.out<float>(3) + row * c;
    const double total = sum(c, [&](int64_t i, auto lanes) { return lanes.load(p + i); });
    const Vec norm = Vec::set(static_cast<float>(total));
    const auto slope = [&](Vec target, Vec q) {
      return select(clipped.outside(q), Vec::zero(), -(target / q));
    };
    const Vec dot = Vec::set(static_cast<float>(sum(c, [&](int64_t i, auto lanes) {
      const Vec q = lanes.load(p + i) / norm;
      return slope(lanes.load(t + i), q) * q;
    })));
    const Vec factor = Vec::set(call.in<float>(2)[row] / static_cast<float>(total));
    for_vectors(0, c, [&](int64_t i, auto lanes) {
      const Vec q = lanes.load(p + i) / norm;
      lanes.store((slope(lanes.load(t + i), q) - dot) * factor, out + i);
    });
  });
}

// The sum of a row's clipped probabilities.
FASTNN_INLINE float clipped_sum(const float* p, int64_t c, Clipping clipped) {
  return static_cast<float>(
      sum(c, [&](int64_t i, auto lanes) { return clipped(lanes.load(p + i)); }));
}

// Keras takes the softmax cross-entropy of z = log(clipped p), which is log(sum q) - log(q[label])
// with q = clipped p.
void sparse_categorical_crossentropy(const Call& call, const Share& share) {
  const int64_t c = call.dim[1];
  const Clipping clipped(call.attr[0]);
  for_share_of_rows(call, share, [&](int64_t row) {
    const float* p = call.in<float>(1) + row * c;
    float* out = call.out<float>(2) + row;
    const int64_t label = usable_label(call, row, call.attr[1]);
    if (label < 0) {
      *out = 0.0f;
      return;
    }
    const Vec q = clipped(Vec::set(p[label]));
    const Vec total = Vec::set(clipped_sum(p, c, clipped));
    (log(total) - log(q)).store(out, 1);
  });
}

// dp = 1 / sum(q) - [label] / q[label], zero where p was clipped.
void sparse_categorical_crossentropy_grad(const Call& call, const Share& share) {
  const int64_t c = call.dim[1];
  const Clipping clipped(call.attr[0]);
  for_share_of_rows(call, share, [&](int64_t row) {
    const float* p = call.in<float>(1) + row * c;
    const float g = call.in<float>(2)[row];
    float* out = call.out<float>(3) + row * c;
    const int64_t label = usable_label(call, row, call.attr[1]);
    if (label < 0) return zero_row(out, c);
    const float p_label = p[label];  // out may be p
    const float inverse = 1.0f / clipped_sum(p, c, clipped);
    const auto masked = [&](Vec value, Vec x) {
      return select(clipped.outside(x), Vec::zero(), value * Vec::set(g));
    };
    for_vectors(0, c, [&](int64_t i, auto lanes) {
      lanes.store(masked(Vec::set(inverse), lanes.load(p + i)), out + i);
    });
    masked(Vec::set(inverse - 1.0f / p_label), Vec::set(p_label)).store(out + label, 1);
  });
}

// ---- from logits

// -sum of t log_softmax(x) = sum of t (log(sum e^(x - max)) - (x - max)); also softmax(x).
void softmax_crossentropy(const Call& call, const Share& share) {
  const int64_t c = call.dim[1];
  for_share_of_rows(call, share, [&](int64_t row) {
    const float* t = call.in<float>(0) + row * c;
    const float* x = call.in<float>(1) + row * c;
    float* p = call.out<float>(3) + row * c;
    const float top = max_of(x, c);
    const float total = exp_row(x, top, p, c);
    const Vec m = Vec::set(top), log_total = Vec::set(log_of(total));
    call.out<float>(2)[row] = static_cast<float>(sum(c, [&](int64_t i, auto lanes) {
      return lanes.load(t + i) * (log_total - (lanes.load(x + i) - m));
    }));
    scale_row(p, 1.0f / total, c);
  });
}

// (p sum(t) - t) g.
void softmax_crossentropy_grad(const Call& call, const Share& share) {
  const int64_t c = call.dim[1];
  for_share_of_rows(call, share, [&](int64_t row) {
    const float* t = call.in<float>(0) + row * c;
    const float* p = call.in<float>(1) + row * c;
    float* out = call.out<float>(3) + row * c;
    const Vec g = Vec::set(call.in<float>(2)[row]);
    const Vec mass = Vec::set(
        static_cast<float>(sum(c, [&](int64_t i, auto lanes) { return lanes.load(t + i); })));
    for_vectors(0, c, [&](int64_t i, auto lanes) {
      lanes.store((lanes.load(p + i) * mass - lanes.load(t + i)) * g, out + i);
    });
  });
}

// Short rows are done so many together, their exponentials waiting aside: a row's result that goes
// where its logits were would keep the next row's, on the same cache line, from being read.
inline constexpr int64_t kRowsTogether = 16;
inline constexpr int64_t kShortRow = 4 * Vec::N;

inline void short_rows(const Call& call, Range rows) {
  const int64_t c = call.dim[1], count = rows.end - rows.begin;
  const float* x = call.in<float>(1) + rows.begin * c;
  float* p = call.out<float>(3) + rows.begin * c;
  float* losses = call.out<float>(2) + rows.begin;
  float powers[kRowsTogether * kShortRow];
  float totals[kRowsTogether], logs[kRowsTogether], below[kRowsTogether];
  bool used[kRowsTogether];
  for (int64_t i = 0; i < count; ++i) {
    const int64_t label = usable_label(call, rows.begin + i, call.attr[0]);
    const float top = max_of(x + i * c, c);
    used[i] = label >= 0;
    below[i] = used[i] ? x[i * c + label] - top : 0.0f;
    totals[i] = exp_row(x + i * c, top, powers + i * kShortRow, c);
  }
  for_vectors(0, count,
              [&](int64_t i, auto lanes) { lanes.store(log(lanes.load(totals + i)), logs + i); });
  for (int64_t i = 0; i < count; ++i) {
    losses[i] = used[i] ? logs[i] - below[i] : 0.0f;
    const Vec factor = Vec::set(1.0f / totals[i]);
    for_vectors(0, c, [&](int64_t j, auto lanes) {
      lanes.store(lanes.load(powers + i * kShortRow + j) * factor, p + i * c + j);
    });
  }
}

// log(sum e^(x - max)) - (x[label] - max); also softmax(x).
void sparse_softmax_crossentropy(const Call& call, const Share& share) {
  const int64_t c = call.dim[1];
  if (c <= kShortRow) {
    const Range rows = share.split(call.dim[0], 4);
    for (int64_t row = rows.begin; row < rows.end; row += kRowsTogether) {
      const int64_t end = row + kRowsTogether;
      short_rows(call, {row, end < rows.end ? end : rows.end});
    }
    return;
  }
  for_share_of_rows(call, share, [&](int64_t row) {
    const float* x = call.in<float>(1) + row * c;
    float* p = call.out<float>(3) + row * c;
    const int64_t label = usable_label(call, row, call.attr[0]);
    const float x_label = label < 0 ? 0.0f : x[label];  // p may be x
    const float top = max_of(x, c);
    const float total = exp_row(x, top, p, c);
    call.out<float>(2)[row] = label < 0 ? 0.0f : log_of(total) - (x_label - top);
    scale_row(p, 1.0f / total, c);
  });
}

// (p - [label]) g.
void sparse_softmax_crossentropy_grad(const Call& call, const Share& share) {
  const int64_t c = call.dim[1];
  for_share_of_rows(call, share, [&](int64_t row) {
    const float* p = call.in<float>(1) + row * c;
    const float g = call.in<float>(2)[row];
    float* out = call.out<float>(3) + row * c;
    const int64_t label = usable_label(call, row, call.attr[0]);
    if (label < 0) return zero_row(out, c);
    const float p_label = p[label];  // out may be p
    for_vectors(0, c, [&](int64_t i, auto lanes) {
      lanes.store(lanes.load(p + i) * Vec::set(g), out + i);
    });
    out[label] = (p_label - 1.0f) * g;
  });
}

}  // namespace fastnn::FASTNN_ISA
