// softmax and log-softmax over the middle axis of [outer, axis, inner], forward and backward.
#include "cuda/device/softmax.h"

namespace fastnn::cuda {
namespace {

struct Softmax {
  const float* in;
  float* out;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const auto x = row.keep(in);
    Exponentials(row, x).store(row, out);
  }
};

// dx = y (dy - sum(dy y)).
struct SoftmaxGrad {
  const float *dy, *y;
  float* dx;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const auto d = row.keep(dy), p = row.keep(y);
    const Vec dot = row.sum([&](auto pack) { return d[pack] * p[pack]; });
    row.each([&](auto pack) { pack.store(p[pack] * (d[pack] - dot), dx); });
  }
};

// (x - max) - log(sum of e^(x - max)).
struct LogSoftmax {
  const float* in;
  float* out;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const auto x = row.keep(in);
    const Exponentials e(row, x);
    const Vec log_total = log(e.total);
    row.each([&](auto pack) { pack.store(e.shifted(pack) - log_total, out); });
  }
};

// dx = dy - e^y sum(dy).
struct LogSoftmaxGrad {
  const float *dy, *y;
  float* dx;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const auto d = row.keep(dy);
    const Vec total = row.sum([&](auto pack) { return d[pack]; });
    row.each([&](auto pack) { pack.store(d[pack] - exp(pack.load(y)) * total, dx); });
  }
};

// body over the middle axis of [outer, axis, inner].
template <class Body>
void for_axis(const Call& call, Stream& stream, bool vectors, Body body) {
  const int64_t outer = call.dim[0], axis = call.dim[1], inner = call.dim[2];
  if (inner == 1) return for_rows<Turns::several>(stream, outer, axis, vectors, body);
  stream.launch(columns_kernel<Body>, stream.spread_rows(outer, inner), outer, axis, inner,
                vectors && inner % 4 == 0, body);
}

}  // namespace

void softmax(const Call& call, Stream& stream) {
  const Softmax body{call.in<float>(0), call.out<float>(1)};
  for_axis(call, stream, aligned(body.in, body.out), body);
}
void softmax_grad(const Call& call, Stream& stream) {
  const SoftmaxGrad body{call.in<float>(0), call.in<float>(1), call.out<float>(2)};
  for_axis(call, stream, aligned(body.dy, body.y, body.dx), body);
}

void log_softmax(const Call& call, Stream& stream) {
  const LogSoftmax body{call.in<float>(0), call.out<float>(1)};
  for_axis(call, stream, aligned(body.in, body.out), body);
}
void log_softmax_grad(const Call& call, Stream& stream) {
  const LogSoftmaxGrad body{call.in<float>(0), call.in<float>(1), call.out<float>(2)};
  for_axis(call, stream, aligned(body.dy, body.y, body.dx), body);
}

}  // namespace fastnn::cuda
