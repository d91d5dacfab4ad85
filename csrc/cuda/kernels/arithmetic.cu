// Elementwise kernels of two operands with broadcasting over [r, c], and those that write
// constants.
#include "cuda/device/loop.h"

namespace fastnn::cuda {
namespace {

// An operand of [rows, cols], each 1 or as wide as the result.
struct Broadcast {
  const float* data;
  int64_t rows, cols;

  // Whether it looks the same when the result's rows are laid end to end as one row.
  bool flattens(int64_t r, int64_t c) const {
    return (rows == r && cols == c) || (rows == 1 && cols == 1);
  }
  void flatten() { cols *= rows, rows = 1; }
  bool wide(int64_t c) const { return cols == c && c > 1; }

  template <class Lanes>
  __device__ __forceinline__ Vec load(int64_t row, int64_t j, int64_t c, Lanes lanes) const {
    const float* start = data + (rows == 1 ? 0 : row * cols);
    return cols == c ? lanes.load(start + j) : Vec::set(*start);
  }
};

template <class F>
__global__ void __launch_bounds__(kThreads)
    map2_kernel(int64_t r, int64_t c, Broadcast a, Broadcast b, float* out, bool vectors, F f) {
  for_row_packs(r, c, vectors, [&](int64_t row, int64_t j, auto lanes) {
    lanes.store(f(a.load(row, j, c, lanes), b.load(row, j, c, lanes)), out + row * c + j);
  });
}

// out = f(a, b). out may be the one of them that is as large.
template <class F>
void map2(const Call& call, Stream& stream, F f) {
  int64_t r = call.dim[1], c = call.dim[3];
  Broadcast a{call.in<float>(0), call.dim[0], call.dim[2]};
  Broadcast b{call.in<float>(1), call.dim[4], call.dim[5]};
  float* out = call.out<float>(2);
  if (c == 1 || (a.flattens(r, c) && b.flattens(r, c))) {
    a.flatten(), b.flatten();
    c *= r, r = 1;
  }
  const bool vectors = (r == 1 || c % 4 == 0) && aligned(out) && (!a.wide(c) || aligned(a.data)) &&
                       (!b.wide(c) || aligned(b.data));
  stream.launch(map2_kernel<F>, stream.spread_rows(r, c), r, c, a, b, out, vectors, f);
}

__global__ void __launch_bounds__(kThreads)
    fill_kernel(int64_t n, float* out, bool vectors, float value) {
  for_packs(n, vectors, [&](int64_t i, auto lanes) { lanes.store(Vec::set(value), out + i); });
}

__global__ void __launch_bounds__(kThreads)
    one_hot_kernel(int64_t r, int64_t c, const std::int32_t* labels, float* out, bool vectors,
                   Reporter report) {
  for_row_packs(r, c, vectors, [&](int64_t row, int64_t j, auto lanes) {
    const std::int32_t label = labels[row];
    if (j == 0 && (label < 0 || label >= c)) report(Fault::label_out_of_range, row, label, c);
    const Vec y = lanewise<Vec>([&](int k) { return j + k == label ? 1.0f : 0.0f; });
    lanes.store(y, out + row * c + j);
  });
}

}  // namespace

void add(const Call& call, Stream& stream) { map2(call, stream, Add{}); }
void subtract(const Call& call, Stream& stream) { map2(call, stream, Subtract{}); }
void multiply(const Call& call, Stream& stream) { map2(call, stream, Multiply{}); }
void divide(const Call& call, Stream& stream) { map2(call, stream, Divide{}); }
void maximum(const Call& call, Stream& stream) { map2(call, stream, Maximum{}); }
void minimum(const Call& call, Stream& stream) { map2(call, stream, Minimum{}); }
void heaviside(const Call& call, Stream& stream) { map2(call, stream, Heaviside{}); }

void fill(const Call& call, Stream& stream) {
  const int64_t n = call.dim[0];
  float* out = call.out<float>(0);
  stream.launch(fill_kernel, stream.spread_packs(n), n, out, aligned(out), call.scalar(0));
}

// A label out of range is a fault and leaves a row of zeros.
void one_hot(const Call& call, Stream& stream) {
  const int64_t r = call.dim[0], c = call.dim[1];
  float* out = call.out<float>(1);
  stream.launch(one_hot_kernel, stream.spread_rows(r, c), r, c, call.in<std::int32_t>(0), out,
                c % 4 == 0 && aligned(out), Reporter(call, stream));
}

}  // namespace fastnn::cuda
