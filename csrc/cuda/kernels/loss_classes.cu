// Cross-entropies over the classes of a row, from probabilities or from logits, with dense targets
// [r, c] or labels [r] (sparse); `cpu/kernels/loss_classes.h` has the formulas.
#include "cuda/device/from_logits.h"

// Written over Vec, which is there now.
#include "cpu/kernels/loss_terms.h"

namespace fastnn::cuda {
namespace {

Labels labels_of(const Call& call, const Stream& stream, double ignored) {
  return {call.in<std::int32_t>(0), ignored, Reporter(call, stream)};
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

// ---- from logits: device/from_logits.h

__global__ void __launch_bounds__(kThreads)
    sparse_from_logits_grad_kernel(int64_t r, int64_t c, SparseFromLogitsGrad body, bool vectors) {
  for_row_packs(r, c, vectors, [&](int64_t row, int64_t j, auto lanes) { body(row, c, j, lanes); });
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
  const SparseFromLogitsGrad body{labels_of(call, stream, call.attr[0]), call.in<float>(1),
                                  call.in<float>(2), call.out<float>(3)};
  stream.launch(sparse_from_logits_grad_kernel, stream.spread_rows(r, c), r, c, body,
                c % 4 == 0 && aligned(body.p, body.out));
}

}  // namespace fastnn::cuda
