// Cross-entropies from logits over the classes of a row, with dense targets [r, c] or labels [r]
// (sparse): bodies of `row_by_row.h`, for kernels of their own and for joins.
#pragma once

#include "cuda/device/rows.h"
#include "cuda/device/softmax.h"

namespace fastnn::cuda {

// A label equal to `ignored` gives a zero loss and a zero gradient. Any other outside [0, c) is a
// fault, and gives zeros too.
struct Labels {
  const std::int32_t* labels;
  double ignored;
  Reporter report;

  // The row's label if it is to be used, else -1; `told` reports a fault.
  __device__ __forceinline__ int64_t of(int64_t row, int64_t c, bool told) const {
    const std::int32_t label = labels[row];
    if (ignored != INT32_MIN && label == ignored) return -1;
    if (label >= 0 && label < c) return label;
    if (told) report(Fault::label_out_of_range, row, label, c);
    return -1;
  }
  template <class Row>
  __device__ __forceinline__ int64_t of(const Row& row) const {
    return of(row.index, row.size, row.first());
  }
};
// Where the label is among columns j to j + 3.
__device__ __forceinline__ Mask is_label(int64_t j, int64_t label) {
  return lanewise<Mask>([&](int k) { return j + k == label; });
}

// -sum of t log_softmax(x) = sum of t (log(sum e^(x - max)) - (x - max)); also softmax(x).
struct FromLogits {
  const float *target, *logits;
  float *out, *probabilities;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const auto x = row.keep(logits);
    const Exponentials e(row, x);
    const Vec log_total = log(e.total);
    const Vec loss =
        row.sum([&](auto pack) { return pack.load(target) * (log_total - e.shifted(pack)); });
    if (row.first()) out[row.index] = loss.v[0];
    e.store(row, probabilities);
  }
};

// (p sum(t) - t) g.
struct FromLogitsGrad {
  const float *target, *probabilities, *g;
  float* out;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const auto t = row.keep(target);
    const Vec mass = row.sum([&](auto pack) { return t[pack]; });
    const Vec factor = Vec::set(g[row.index]);
    row.each(
        [&](auto pack) { pack.store((pack.load(probabilities) * mass - t[pack]) * factor, out); });
  }
};

// log(sum e^(x - max)) - (x[label] - max); also softmax(x), perhaps in x's place.
struct SparseFromLogits {
  Labels labels;
  const float* logits;
  float *out, *probabilities;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const auto x = row.keep(logits);
    const int64_t label = labels.of(row);
    const Vec x_label = Vec::set(label < 0 ? 0.0f : logits[row.index * row.size + label]);
    const Exponentials e(row, x);
    const Vec loss = log(e.total) - (x_label - e.top);
    if (row.first()) out[row.index] = label < 0 ? 0.0f : loss.v[0];
    e.store(row, probabilities);
  }
};

// (p - [label]) g, element by element: up to four of a row of c, from column j on.
struct SparseFromLogitsGrad {
  Labels labels;
  const float *p, *g;
  float* out;

  template <class Lanes>
  __device__ __forceinline__ void operator()(int64_t row, int64_t c, int64_t j, Lanes lanes) const {
    const int64_t label = labels.of(row, c, j == 0), i = row * c + j;
    const Vec hot = select(is_label(j, label), Vec::set(1.0f), Vec::zero());
    const Vec slope = (lanes.load(p + i) - hot) * Vec::set(g[row]);
    lanes.store(label < 0 ? Vec::zero() : slope, out + i);
  }
};

}  // namespace fastnn::cuda
