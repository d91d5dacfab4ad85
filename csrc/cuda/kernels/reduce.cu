// Reductions over an axis, and what undoes their shapes. Each sum has a fixed order, which depends
// on the length of the axis alone: not on the device, nor on how many sums there are.
#include "cuda/device/columns.h"
#include "cuda/device/row_by_row.h"

namespace fastnn::cuda {
namespace {

struct Scale {
  float scale;
  __device__ __forceinline__ Vec operator()(Vec x) const { return x * Vec::set(scale); }
};

// out[row] = finish(x[row, 0], x[row, 1] ... combined).
template <class Combine, class Finish>
struct FoldRow {
  const float* x;
  float* out;
  float neutral;
  Combine combine;
  Finish finish;

  template <class Row>
  __device__ __forceinline__ void operator()(const Row& row) const {
    const Vec whole = row.fold_lanes(neutral, [&](auto pack) { return pack.load(x); }, combine);
    if (row.first()) out[row.index] = finish(whole).v[0];
  }
};

// out = finish(combine over the axis of x).
template <class Combine, class Finish>
void reduce(const Call& call, Stream& stream, float neutral, Combine combine, Finish finish) {
  const int64_t outer = call.dim[0], axis = call.dim[1], inner = call.dim[2];
  const float* x = call.in<float>(0);
  float* out = call.out<float>(1);
  if (inner == 1) {
    return for_rows<Turns::one>(stream, outer, axis, aligned(x),
                                FoldRow<Combine, Finish>{x, out, neutral, combine, finish});
  }
  const Bands bands = bands_of(axis);
  const int64_t count = bands.count();
  if (count == 1) return fold_slabs(stream, outer, axis, inner, x, out, neutral, combine, finish);
  float* parts = stream.scratch<float>(outer * count * inner);
  stream.launch(fold_columns_kernel<Combine, AsIs>, slab_shape(stream, outer * count, inner), outer,
                bands, inner, x, parts, inner % 4 == 0 && aligned(x), neutral, combine, AsIs{});
  fold_slabs(stream, outer, count, inner, parts, out, neutral, combine, finish);
}

// out[o, a, j] = scale * x[o, j]. A row is one of `axis` rows of a slab, or, where inner is 1, a
// slab.
__global__ void __launch_bounds__(kThreads)
    broadcast_kernel(int64_t rows, int64_t cols, int64_t axis, const float* x, float* out,
                     bool vectors, float scale) {
  const Vec factor = Vec::set(scale);
  for_row_packs(rows, cols, vectors, [&](int64_t row, int64_t j, auto lanes) {
    const Vec value = axis == 0 ? Vec::set(x[row]) : lanes.load(x + row / axis * cols + j);
    lanes.store(value * factor, out + row * cols + j);
  });
}

}  // namespace

void reduce_sum(const Call& call, Stream& stream) {
  reduce(call, stream, 0.0f, Sum{}, Scale{call.scalar(0)});
}

// NaN if any is. An empty axis gives -inf.
void reduce_max(const Call& call, Stream& stream) {
  reduce(call, stream, -kInfinity, Largest{}, AsIs{});
}

void broadcast_axis(const Call& call, Stream& stream) {
  const int64_t outer = call.dim[0], inner = call.dim[1], axis = call.dim[2];
  const float* x = call.in<float>(0);
  float* out = call.out<float>(1);
  const bool one = inner == 1;  // each value fills a row of `axis`
  const int64_t rows = one ? outer : outer * axis, cols = one ? axis : inner;
  stream.launch(broadcast_kernel, stream.spread_rows(rows, cols), rows, cols, one ? 0 : axis, x,
                out, cols % 4 == 0 && aligned(out) && (one || aligned(x)), call.scalar(0));
}

}  // namespace fastnn::cuda
