// softmax and log-softmax over the middle axis of [outer, axis, inner], forward and backward.
//
// inner == 1: a row lies in memory end to end and vectors run along it. Otherwise vectors lie
// across `inner`, and each lane is a softmax of its own.
#pragma once

#include "cpu/kernels/loop.h"
#include "cpu/kernels/math.h"

namespace fastnn::FASTNN_ISA {

// log of one value, by the vector function: its bits do not depend on the C library.
FASTNN_INLINE float log_of(float x) { return hmax(log(Vec::set(x))); }

// y = e^(x - shift) for n values; returns their sum.
FASTNN_INLINE float exp_row(const float* x, float shift, float* y, int64_t n) {
  const Vec m = Vec::set(shift);
  return static_cast<float>(sum(n, [&](int64_t i, auto lanes) {
    const Vec e = exp_bounded(lanes.load(x + i) - m);
    lanes.store(e, y + i);
    return e;
  }));
}

FASTNN_INLINE void scale_row(float* y, float factor, int64_t n) {
  const Vec f = Vec::set(factor);
  for_vectors(0, n, [&](int64_t i, auto lanes) { lanes.store(lanes.load(y + i) * f, y + i); });
}

// row(i): the offset of row i, for this share's rows of an [outer, axis, 1] operand.
template <class Body>
FASTNN_INLINE void for_rows(const Call& call, const Share& share, Body body) {
  const int64_t axis = call.dim[1];
  const Range rows = share.split(call.dim[0], 4);
  for (int64_t row = rows.begin; row < rows.end; ++row) body(row * axis, axis);
}

// body(offset, stride, n, lanes): n vectors, `stride` apart, that make up N softmaxes side by side.
template <class Body>
FASTNN_INLINE void for_columns(const Call& call, const Share& share, Body body) {
  const int64_t outer = call.dim[0], axis = call.dim[1], inner = call.dim[2];
  for_row_segments(
      share.split(outer * inner, 16), inner, [&](int64_t o, int64_t begin, int64_t end) {
        for_vectors(begin, end,
                    [&](int64_t j, auto lanes) { body(o * axis * inner + j, inner, axis, lanes); });
      });
}

// Largest of the n vectors of a column.
template <class Lanes>
FASTNN_INLINE Vec column_max(const float* x, int64_t stride, int64_t n, Lanes lanes) {
  Vec best = Vec::set(-kInfinity);
  for (int64_t i = 0; i < n; ++i) best = max(best, lanes.load(x + i * stride));
  return best;
}

void softmax(const Call& call, const Share& share) {
  const float* in = call.in<float>(0);
  float* out = call.out<float>(1);
  if (call.dim[2] == 1) {
    return for_rows(call, share, [&](int64_t at, int64_t n) {
      scale_row(out + at, 1.0f / exp_row(in + at, max_of(in + at, n), out + at, n), n);
    });
  }
  for_columns(call, share, [&](int64_t at, int64_t stride, int64_t n, auto lanes) {
    const float* x = in + at;
    float* y = out + at;
    const Vec m = column_max(x, stride, n, lanes);
    Vec total = Vec::zero();
    for (int64_t i = 0; i < n; ++i) {
      const Vec e = exp_bounded(lanes.load(x + i * stride) - m);
      lanes.store(e, y + i * stride);
      total = total + e;
    }
    const Vec factor = Vec::set(1.0f) / total;
    for (int64_t i = 0; i < n; ++i)
      lanes.store(lanes.load(y + i * stride) * factor, y + i * stride);
  });
}

// dx = y (dy - sum(dy y)).
void softmax_grad(const Call& call, const Share& share) {
  const float* dys = call.in<float>(0);
  const float* ys = call.in<float>(1);
  float* dxs = call.out<float>(2);
  if (call.dim[2] == 1) {
    return for_rows(call, share, [&](int64_t at, int64_t n) {
      const float *dy = dys + at, *y = ys + at;
      const Vec dot = Vec::set(static_cast<float>(
          sum(n, [&](int64_t i, auto lanes) { return lanes.load(dy + i) * lanes.load(y + i); })));
      for_vectors(0, n, [&](int64_t i, auto lanes) {
        lanes.store(lanes.load(y + i) * (lanes.load(dy + i) - dot), dxs + at + i);
      });
    });
  }
  for_columns(call, share, [&](int64_t at, int64_t stride, int64_t n, auto lanes) {
    Vec dot = Vec::zero();
    for (int64_t i = at; i < at + n * stride; i += stride) {
      dot = fma(lanes.load(dys + i), lanes.load(ys + i), dot);
    }
    for (int64_t i = at; i < at + n * stride; i += stride) {
      lanes.store(lanes.load(ys + i) * (lanes.load(dys + i) - dot), dxs + i);
    }
  });
}

// (x - max) - log(sum of e^(x - max)).
void log_softmax(const Call& call, const Share& share) {
  const float* in = call.in<float>(0);
  float* out = call.out<float>(1);
  if (call.dim[2] == 1) {
    return for_rows(call, share, [&](int64_t at, int64_t n) {
      const float* x = in + at;
      const Vec m = Vec::set(max_of(x, n));
      const double total =
          sum(n, [&](int64_t i, auto lanes) { return exp_bounded(lanes.load(x + i) - m); });
      const Vec log_total = Vec::set(log_of(static_cast<float>(total)));
      for_vectors(0, n, [&](int64_t i, auto lanes) {
        lanes.store((lanes.load(x + i) - m) - log_total, out + at + i);
      });
    });
  }
  for_columns(call, share, [&](int64_t at, int64_t stride, int64_t n, auto lanes) {
    const Vec m = column_max(in + at, stride, n, lanes);
    Vec total = Vec::zero();
    for (int64_t i = at; i < at + n * stride; i += stride) {
      total = total + exp_bounded(lanes.load(in + i) - m);
    }
    const Vec log_total = log(total);
    for (int64_t i = at; i < at + n * stride; i += stride) {
      lanes.store((lanes.load(in + i) - m) - log_total, out + i);
    }
  });
}

// dx = dy - e^y sum(dy).
void log_softmax_grad(const Call& call, const Share& share) {
  const float* dys = call.in<float>(0);
  const float* ys = call.in<float>(1);
  float* dxs = call.out<float>(2);
  if (call.dim[2] == 1) {
    return for_rows(call, share, [&](int64_t at, int64_t n) {
      const float* dy = dys + at;
      const Vec total = Vec::set(
          static_cast<float>(sum(n, [&](int64_t i, auto lanes) { return lanes.load(dy + i); })));
      for_vectors(at, at + n, [&](int64_t i, auto lanes) {
        lanes.store(lanes.load(dys + i) - exp(lanes.load(ys + i)) * total, dxs + i);
      });
    });
  }
  for_columns(call, share, [&](int64_t at, int64_t stride, int64_t n, auto lanes) {
    Vec total = Vec::zero();
    for (int64_t i = at; i < at + n * stride; i += stride) total = total + lanes.load(dys + i);
    for (int64_t i = at; i < at + n * stride; i += stride) {
      lanes.store(lanes.load(dys + i) - exp(lanes.load(ys + i)) * total, dxs + i);
    }
  });
}

}  // namespace fastnn::FASTNN_ISA
