// A loss that is a sum or a mean over the columns of a row: a body of `row_by_row.h`, for kernels
// of its own and for joins.
#pragma once

#include "cuda/device/row_by_row.h"

namespace fastnn::cuda {

template <class Loss>
struct RowLoss {
  const float *t, *p;
  float* out;
  Loss loss;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const Vec total = row.sum([&](auto pack) { return loss.value(pack.load(t), pack.load(p)); });
    const float divisor = Loss::kMean ? static_cast<float>(row.size) : 1.0f;
    if (row.first()) out[row.index] = total.v[0] / divisor;
  }
};

}  // namespace fastnn::cuda
