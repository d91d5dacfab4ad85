// Metrics: one value a row, then sums in float64 that live across minibatches. A label here is only
// compared, never a fault (`cpu/kernels/metric.h` says why). Hits of a row are counted in float32:
// exact for rows of up to 2^24 elements.
#include "cuda/device/hits.h"

namespace fastnn::cuda {
namespace {

// Whether fewer than k scores are above the label's (ties count as in), as tf.math.in_top_k: a
// score that is not finite makes it false.
template <class Row>
__device__ __forceinline__ bool in_top_k(const Row& row, const float* scores, int64_t label,
                                         double k) {
  const bool there = label >= 0 && label < row.size;
  const Vec own = Vec::set(there ? scores[row.index * row.size + label] : 0.0f);
  const Vec one = Vec::set(1.0f);
  const Vec above = row.sum([&](auto pack) {
    const Vec v = pack.load(scores);
    return keep_nan(v - v, select(gt(v, own), one, Vec::zero()));  // v - v: NaN if not finite
  });
  return there && static_cast<double>(above.v[0]) < k;  // not if NaN
}

// ---- hits

struct SparseTopK {
  const std::int32_t* labels;
  const float* p;
  double k;
  template <class Row>
  __device__ __forceinline__ bool operator()(const Row& row) const {
    return in_top_k(row, p, labels[row.index], k);
  }
};
struct TopK {
  const float *t, *p;
  double k;
  template <class Row>
  __device__ __forceinline__ bool operator()(const Row& row) const {
    return in_top_k(row, p, argmax(row, t), k);
  }
};

template <class Hit>
void row_hits(const Call& call, Stream& stream, bool vectors, Hit hit) {
  for_rows<Turns::one>(stream, call.dim[0], call.dim[1], vectors,
                       Hits<Hit>{call.out<float>(2), hit});
}

// ---- sums that live on: float64, in an order that follows from n alone

// term(element) of the pack, one after the other.
template <class Lanes, class Term>
__device__ __forceinline__ double sum_of_lanes(const Lanes& lanes, Term term) {
  const Vec there = lanes.or_else(Vec::set(1.0f), 0.0f);
  double sum = 0;
  FASTNN_UNROLL
  for (int k = 0; k < 4; ++k) sum += there.v[k] != 0 ? term(k) : 0.0;
  return sum;
}

// The only row: total += sum(values w), count += sum(w), where w = weights * `weight`.
struct Accumulate {
  double* state;
  const float *values, *weights;
  double weight;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const auto weights_of = [&](auto pack) {
      return weights ? pack.load(weights) : Vec::set(1.0f);
    };
    const double total = row.fold(
        0.0,
        [&](auto pack) {
          const Vec v = pack.load(values), w = weights_of(pack);
          return sum_of_lanes(pack.lanes,
                              [&](int k) { return static_cast<double>(w.v[k]) * v.v[k]; });
        },
        Sum{});
    const double count = row.fold(
        0.0,
        [&](auto pack) {
          const Vec w = weights_of(pack);
          return sum_of_lanes(pack.lanes, [&](int k) { return static_cast<double>(w.v[k]); });
        },
        Sum{});
    if (!row.first()) return;
    state[0] += weight * total;
    state[1] += weight * count;
  }
};

// A threshold is a row here, and the elements are the same in each: an element adds its weight to
// one of tp, fn (target not 0) or to one of fp, tn.
struct Confusion {
  double* state;  // rows tp, fp, tn, fn of [4, t]
  int64_t t;
  const float *targets, *predictions, *weights, *thresholds;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const float threshold = thresholds[row.index];
    for (int cell = 0; cell < 4; ++cell) {
      const bool positive = cell == 0 || cell == 3, above = cell < 2;
      const double whole = row.fold(
          0.0,
          [&](auto pack) {
            const Vec target = pack.lanes.load(targets + pack.j);
            const Vec prediction = pack.lanes.load(predictions + pack.j);
            const Vec w = weights ? pack.lanes.load(weights + pack.j) : Vec::set(1.0f);
            return sum_of_lanes(pack.lanes, [&](int k) {
              const bool here =
                  (target.v[k] != 0) == positive && (prediction.v[k] > threshold) == above;
              return here ? static_cast<double>(w.v[k]) : 0.0;
            });
          },
          Sum{});
      if (row.first()) state[cell * t + row.index] += whole;
    }
  }
};

}  // namespace

void sparse_categorical_accuracy(const Call& call, Stream& stream) {
  const SparseBest hit{call.in<std::int32_t>(0), call.in<float>(1)};
  row_hits(call, stream, aligned(hit.p), hit);
}
void categorical_accuracy(const Call& call, Stream& stream) {
  const Best hit{call.in<float>(0), call.in<float>(1)};
  row_hits(call, stream, aligned(hit.t, hit.p), hit);
}
void sparse_top_k(const Call& call, Stream& stream) {
  const SparseTopK hit{call.in<std::int32_t>(0), call.in<float>(1), call.attr[0]};
  row_hits(call, stream, aligned(hit.p), hit);
}
void top_k(const Call& call, Stream& stream) {
  const TopK hit{call.in<float>(0), call.in<float>(1), call.attr[0]};
  row_hits(call, stream, aligned(hit.t, hit.p), hit);
}

void binary_accuracy(const Call& call, Stream& stream) {
  const BinaryAccuracy body{call.in<float>(0), call.in<float>(1), call.out<float>(2),
                            call.scalar(0)};
  for_rows<Turns::one>(stream, call.dim[0], call.dim[1], aligned(body.t, body.p), body);
}

void accumulate(const Call& call, Stream& stream) {
  const Accumulate body{call.out<double>(0), call.in<float>(1), call.in<float>(2), call.attr[0]};
  for_rows<Turns::one>(stream, 1, call.dim[0], aligned(body.values, body.weights), body);
}

void accumulate_confusion(const Call& call, Stream& stream) {
  const int64_t t = call.dim[0], n = call.dim[1];
  const Confusion body{call.out<double>(0), t,
                       call.in<float>(1),   call.in<float>(2),
                       call.in<float>(3),   call.in<float>(4)};
  for_rows<Turns::one>(stream, t, n, aligned(body.targets, body.predictions, body.weights), body);
}

}  // namespace fastnn::cuda
