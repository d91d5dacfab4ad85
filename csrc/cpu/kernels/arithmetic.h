// Elementwise kernels of two operands with broadcasting over [r, c], and those that write
// constants.
#pragma once

#include "cpu/kernels/elementwise.h"

namespace fastnn::FASTNN_ISA {

// An operand of [rows, cols], each 1 or as wide as the result.
struct Broadcast {
  const float* data;
  int64_t rows, cols;

  // Whether it looks the same when the result's rows are laid end to end as one row.
  FASTNN_INLINE bool flattens(int64_t r, int64_t c) const {
    return (rows == r && cols == c) || (rows == 1 && cols == 1);
  }
  FASTNN_INLINE void flatten() { cols *= rows, rows = 1; }
  FASTNN_INLINE const float* row(int64_t i) const { return data + (rows == 1 ? 0 : i * cols); }
};

// out = f(a, b). The result is cut by its flat index, whatever the shapes of a and b.
template <class F>
FASTNN_INLINE void map2(const Call& call, const Share& share, F f) {
  int64_t r = call.dim[1], c = call.dim[3];
  Broadcast a{call.in<float>(0), call.dim[0], call.dim[2]};
  Broadcast b{call.in<float>(1), call.dim[4], call.dim[5]};
  float* out = call.out<float>(2);
  if (c == 1 || (a.flattens(r, c) && b.flattens(r, c))) {
    a.flatten(), b.flatten();
    c *= r, r = 1;
  }
  for_row_segments(share.split(r * c, kGrain), c, [&](int64_t row, int64_t begin, int64_t end) {
    const float* x = a.row(row);
    const float* y = b.row(row);
    float* z = out + row * c;
    // A column that is the same for the whole row is loaded once.
    if (a.cols == c && b.cols == c) {
      for_vectors(begin, end, [&](int64_t i, auto lanes) {
        lanes.store(f(lanes.load(x + i), lanes.load(y + i)), z + i);
      });
    } else if (a.cols == c) {
      const Vec y0 = Vec::set(*y);
      for_vectors(begin, end,
                  [&](int64_t i, auto lanes) { lanes.store(f(lanes.load(x + i), y0), z + i); });
    } else if (b.cols == c) {
      const Vec x0 = Vec::set(*x);
      for_vectors(begin, end,
                  [&](int64_t i, auto lanes) { lanes.store(f(x0, lanes.load(y + i)), z + i); });
    } else {
      const Vec value = f(Vec::set(*x), Vec::set(*y));
      for_vectors(begin, end, [&](int64_t i, auto lanes) { lanes.store(value, z + i); });
    }
  });
}

void add(const Call& call, const Share& share) { map2(call, share, Add{}); }
void subtract(const Call& call, const Share& share) { map2(call, share, Subtract{}); }
void multiply(const Call& call, const Share& share) { map2(call, share, Multiply{}); }
void divide(const Call& call, const Share& share) { map2(call, share, Divide{}); }
void maximum(const Call& call, const Share& share) { map2(call, share, Maximum{}); }
void minimum(const Call& call, const Share& share) { map2(call, share, Minimum{}); }
void heaviside(const Call& call, const Share& share) { map2(call, share, Heaviside{}); }

void fill(const Call& call, const Share& share) {
  float* out = call.out<float>(0);
  const Vec value = Vec::set(call.scalar(0));
  const Range range = share.split(call.dim[0], kGrain);
  for_vectors(range.begin, range.end, [&](int64_t i, auto lanes) { lanes.store(value, out + i); });
}

// A label out of range is a fault and leaves a row of zeros.
void one_hot(const Call& call, const Share& share) {
  const int64_t r = call.dim[0], c = call.dim[1];
  const std::int32_t* labels = call.in<std::int32_t>(0);
  float* out = call.out<float>(1);
  const Range rows = share.split(r, 16);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    float* y = out + row * c;
    for_vectors(0, c, [&](int64_t i, auto lanes) { lanes.store(Vec::zero(), y + i); });
    const std::int32_t label = labels[row];
    if (label < 0 || label >= c) {
      call.fail(Fault::label_out_of_range, row, label, c);
    } else {
      y[label] = 1.0f;
    }
  }
}

}  // namespace fastnn::FASTNN_ISA
