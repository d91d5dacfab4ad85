// Cross-entropies over the classes of a row, from probabilities or from logits, with dense targets
// [r, c] or labels [r] (sparse); `cpu/kernels/loss_classes.h` has the formulas.
#include "cuda/device/softmax.h"

// Written over Vec, which is there now.
#include "cpu/kernels/loss_terms.h"

namespace fastnn::cuda {
namespace {

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
Labels labels_of(const Call& call, const Stream& stream, double ignored) {
  return {call.in<std::int32_t>(0), ignored, Reporter(call, stream)};
}

// Where the label is among columns j to j + 3.
__device__ __forceinline__ Mask is_label(int64_t j, int64_t label) {
  return lanewise<Mask>([&](int k) { return j + k == label; });
}

// ---- from probabilities

// q = p / sum(p); -sum of t log(clipped q).
struct Categorical {
  const float *target, *prediction;
  float* out;
  Clipping clipped;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const auto p = row.keep(prediction);
    const Vec norm = row.sum([&](auto pack) { return p[pack]; });
    const Vec total =
        row.sum([&](auto pack) { return pack.load(target) * log(clipped(p[pack] / norm)); });
    if (row.first()) out[row.index] = -total.v[0];
  }
};

// With d = -t / q where q was not clipped: dp = (d - sum(d q)) / sum(p).
struct CategoricalGrad {
  const float *target, *prediction, *g;
  float* out;
  Clipping clipped;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const auto t = row.keep(target), p = row.keep(prediction);
    const Vec norm = row.sum([&](auto pack) { return p[pack]; });
    const auto slope = [&](auto pack) {
      const Vec q = p[pack] / norm;
      return select(clipped.outside(q), Vec::zero(), -(t[pack] / q));
    };
    const Vec dot = row.sum([&](auto pack) { return slope(pack) * (p[pack] / norm); });
    const Vec factor = Vec::set(g[row.index]) / norm;
    row.each([&](auto pack) { pack.store((slope(pack) - dot) * factor, out); });
  }
};

// log(sum q) - log(q[label]) with q = clipped p.
struct SparseCategorical {
  Labels labels;
  const float* p;
  float* out;
  Clipping clipped;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const int64_t label = labels.of(row);
    const Vec total = row.sum([&](auto pack) { return clipped(pack.load(p)); });
    if (!row.first()) return;
    const Vec q = clipped(Vec::set(label < 0 ? 1.0f : p[row.index * row.size + label]));
    out[row.index] = label < 0 ? 0.0f : (log(total) - log(q)).v[0];
  }
};

// dp = 1 / sum(q) - [label] / q[label], zero where p was clipped.
struct SparseCategoricalGrad {
  Labels labels;
  const float *prediction, *g;
  float* out;
  Clipping clipped;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const auto p = row.keep(prediction);
    const int64_t label = labels.of(row);
    const Vec one = Vec::set(1.0f), factor = Vec::set(g[row.index]);
    const Vec inverse = one / row.sum([&](auto pack) { return clipped(p[pack]); });
    row.each([&](auto pack) {
      const Vec q = p[pack];
      const Vec own = select(is_label(pack.j, label), one / q, Vec::zero());
      const Vec slope = select(clipped.outside(q), Vec::zero(), (inverse - own) * factor);
      pack.store(label < 0 ? Vec::zero() : slope, out);
    });
  }
};

// ---- from logits

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

// (p - [label]) g, element by element.
__global__ void __launch_bounds__(kThreads)
    sparse_from_logits_grad_kernel(int64_t r, int64_t c, Labels labels, const float* p,
                                   const float* g, float* out, bool vectors) {
  for_row_packs(r, c, vectors, [&](int64_t row, int64_t j, auto lanes) {
    const int64_t label = labels.of(row, c, j == 0), i = row * c + j;
    const Vec hot = select(is_label(j, label), Vec::set(1.0f), Vec::zero());
    const Vec slope = (lanes.load(p + i) - hot) * Vec::set(g[row]);
    lanes.store(label < 0 ? Vec::zero() : slope, out + i);
  });
}

template <Turns kTurns = Turns::several, class Body>
void for_examples(const Call& call, Stream& stream, bool vectors, Body body) {
  for_rows<kTurns>(stream, call.dim[0], call.dim[1], vectors, body);
}

}  // namespace

void categorical_crossentropy(const Call& call, Stream& stream) {
  const Categorical body{call.in<float>(0), call.in<float>(1), call.out<float>(2),
                         Clipping(call.attr[0])};
  for_examples(call, stream, aligned(body.target, body.prediction), body);
}
void categorical_crossentropy_grad(const Call& call, Stream& stream) {
  const CategoricalGrad body{call.in<float>(0), call.in<float>(1), call.in<float>(2),
                             call.out<float>(3), Clipping(call.attr[0])};
  for_examples(call, stream, aligned(body.target, body.prediction, body.out), body);
}

void sparse_categorical_crossentropy(const Call& call, Stream& stream) {
  const SparseCategorical body{labels_of(call, stream, call.attr[1]), call.in<float>(1),
                               call.out<float>(2), Clipping(call.attr[0])};
  for_examples<Turns::one>(call, stream, aligned(body.p), body);
}
void sparse_categorical_crossentropy_grad(const Call& call, Stream& stream) {
  const SparseCategoricalGrad body{labels_of(call, stream, call.attr[1]), call.in<float>(1),
                                   call.in<float>(2), call.out<float>(3), Clipping(call.attr[0])};
  for_examples(call, stream, aligned(body.prediction, body.out), body);
}

void softmax_crossentropy(const Call& call, Stream& stream) {
  const FromLogits body{call.in<float>(0), call.in<float>(1), call.out<float>(2),
                        call.out<float>(3)};
  for_examples(call, stream, aligned(body.target, body.logits, body.probabilities), body);
}
void softmax_crossentropy_grad(const Call& call, Stream& stream) {
  const FromLogitsGrad body{call.in<float>(0), call.in<float>(1), call.in<float>(2),
                            call.out<float>(3)};
  for_examples(call, stream, aligned(body.target, body.probabilities, body.out), body);
}

void sparse_softmax_crossentropy(const Call& call, Stream& stream) {
  const SparseFromLogits body{labels_of(call, stream, call.attr[0]), call.in<float>(1),
                              call.out<float>(2), call.out<float>(3)};
  for_examples(call, stream, aligned(body.logits, body.probabilities), body);
}
void sparse_softmax_crossentropy_grad(const Call& call, Stream& stream) {
  const int64_t r = call.dim[0], c = call.dim[1];
  const float* p = call.in<float>(1);
  float* out = call.out<float>(3);
  stream.launch(sparse_from_logits_grad_kernel, stream.spread_rows(r, c), r, c,
                labels_of(call, stream, call.attr[0]), p, call.in<float>(2), out,
                c % 4 == 0 && aligned(p, out));
}

}  // namespace fastnn::cuda
