// What softmax and the cross-entropies from logits have in common.
#pragma once

#include "cuda/device/row_by_row.h"

namespace fastnn::cuda {

// e^(x - top) of a row, and its sum. The row is read again, not what was made of it: exp costs
// less than a second place for the row.
template <class X>
struct Exponentials {
  const X& x;
  Vec top, total;

  template <class Row>
  __device__ __forceinline__ Exponentials(const Row& row, const X& x)
      : x(x),
        top(row.max([&](auto pack) { return x[pack]; })),
        total(row.sum([&](auto pack) { return (*this)(pack); })) {}

  template <class Pack>
  __device__ __forceinline__ Vec shifted(const Pack& pack) const {
    return x[pack] - top;
  }
  template <class Pack>
  __device__ __forceinline__ Vec operator()(const Pack& pack) const {
    return exp_bounded(shifted(pack));
  }
  // y = softmax(x).
  template <class Row>
  __device__ __forceinline__ void store(const Row& row, float* y) const {
    const Vec factor = Vec::set(1.0f) / total;
    row.each([&](auto pack) { pack.store((*this)(pack)*factor, y); });
  }
};

}  // namespace fastnn::cuda
