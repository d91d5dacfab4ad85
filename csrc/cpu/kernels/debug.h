// Finding where numbers went wrong.
#pragma once

#include "cpu/kernels/loop.h"

namespace fastnn::FASTNN_ISA {

// Reports the first element of each share that is not finite.
void check_finite(const Call& call, const Share& share) {
  const float* x = call.in<float>(0);
  const int64_t n = call.dim[0];
  const Range range = share.split(n, kGrain);
  Vec wrong = Vec::zero();  // x - x is 0 for finite x, else NaN
  for_vectors(range.begin, range.end, [&](int64_t i, auto lanes) {
    const Vec v = lanes.load(x + i);
    wrong = wrong + (v - v);
  });
  if (!any(is_nan(wrong))) return;
  int64_t i = range.begin;
  while (__builtin_isfinite(x[i])) ++i;
  call.fail(Fault::not_finite, i, 0, 0);
}

}  // namespace fastnn::FASTNN_ISA
