// Accuracies, a value a row: bodies of `row_by_row.h`, for kernels of their own and for joins.
#pragma once

#include "cuda/device/row_by_row.h"

namespace fastnn::cuda {

// A number that is larger where x is larger, or where x is the same and comes before: the lower
// half is ~j. The first of all is never passed over for a NaN, and a NaN is larger than nothing.
__device__ __forceinline__ std::int64_t place(float x, int64_t j) {
  if (x != x) x = j == 0 ? kInfinity : -kInfinity;
  const std::int32_t bits = float_bits(x + 0.0f);  // -0 is 0
  const std::int64_t order = bits < 0 ? bits ^ 0x7fffffff : bits;
  return order << 32 | (0xffffffff - j);
}

struct Later {
  __device__ __forceinline__ std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return a > b ? a : b;
  }
};

// Index of the first maximum; NaN is never larger.
template <class Row>
__device__ __forceinline__ int64_t argmax(const Row& row, const float* x) {
  const std::int64_t best = row.fold(
      place(-kInfinity, 0),
      [&](auto pack) {
        const Vec v = pack.lanes.or_else(pack.load(x), -kInfinity);
        std::int64_t most = place(v.v[0], pack.j);
        FASTNN_UNROLL
        for (int k = 1; k < 4; ++k) most = Later{}(most, place(v.v[k], pack.j + k));
        return most;
      },
      Later{});
  return 0xffffffff - (best & 0xffffffff);
}

// 1 or 0 a row; hit(row) is asked of all of its threads.
template <class Hit>
struct Hits {
  float* out;
  Hit hit;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const bool yes = hit(row);
    if (row.first()) out[row.index] = yes ? 1.0f : 0.0f;
  }
};

struct SparseBest {
  const std::int32_t* labels;
  const float* p;
  template <class Row>
  __device__ __forceinline__ bool operator()(const Row& row) const {
    return labels[row.index] == argmax(row, p);
  }
};
struct Best {
  const float *t, *p;
  template <class Row>
  __device__ __forceinline__ bool operator()(const Row& row) const {
    return argmax(row, t) == argmax(row, p);
  }
};
// Mean over the columns of (prediction > threshold) == target.
struct BinaryAccuracy {
  const float *t, *p;
  float* out;
  float threshold;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const Vec one = Vec::set(1.0f), zero = Vec::zero();
    const Vec hits = row.sum([&](auto pack) {
      const Vec predicted = select(gt(pack.load(p), Vec::set(threshold)), one, zero);
      return select(eq(predicted, pack.load(t)), one, zero);
    });
    if (row.first()) out[row.index] = hits.v[0] / static_cast<float>(row.size);
  }
};

}  // namespace fastnn::cuda
