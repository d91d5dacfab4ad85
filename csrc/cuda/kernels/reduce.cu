// Reductions over an axis, and what undoes their shapes. Each sum has a fixed order, which depends
// on the length of the axis alone: not on the device, nor on how many sums there are.
#include "cuda/device/reduce.h"

namespace fastnn::cuda {
namespace {

// ---- rows: out[row] = finish(x[row, 0] + x[row, 1] + ...), by a block or a warp for each row

struct Scale {
  float scale;
  __device__ __forceinline__ float operator()(float x) const { return x * scale; }
  __device__ __forceinline__ Vec operator()(Vec x) const { return x * Vec::set(scale); }
};
struct AsIs {
  template <class T>
  __device__ __forceinline__ T operator()(T x) const {
    return x;
  }
};

// Of `threads` threads, this one's share of a row.
template <class Combine>
__device__ __forceinline__ float part_of_row(const float* x, int64_t n, bool vectors, float neutral,
                                             Combine combine, int thread, int threads) {
  Vec part = Vec::set(neutral);
  for (int64_t i = 4 * thread; i < n; i += 4 * threads) {
    if (vectors) {
      part = combine(part, Vec::load(x + i));
    } else {
      const FirstLanes lanes{n - i < 4 ? static_cast<int>(n - i) : 4};
      part = combine(part, lanes.or_else(lanes.load(x + i), neutral));
    }
  }
  return combine(combine(part.v[0], part.v[2]), combine(part.v[1], part.v[3]));
}

template <class Combine, class Finish>
__global__ void __launch_bounds__(kThreads)
    long_rows_kernel(int64_t rows, int64_t n, const float* x, float* out, bool vectors,
                     float neutral, Combine combine, Finish finish) {
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const float part =
        part_of_row(x + row * n, n, vectors, neutral, combine, threadIdx.x, kThreads);
    const float whole = reduce_block(part, neutral, combine);
    if (threadIdx.x == 0) out[row] = finish(whole);
  }
}

template <class Combine, class Finish>
__global__ void __launch_bounds__(kThreads)
    short_rows_kernel(int64_t rows, int64_t n, const float* x, float* out, bool vectors,
                      float neutral, Combine combine, Finish finish) {
  const int lane = threadIdx.x % kWarp;
  const int64_t warps = threads_in_grid() / kWarp;
  for (int64_t row = thread_in_grid() / kWarp; row < rows; row += warps) {
    const float part = part_of_row(x + row * n, n, vectors, neutral, combine, lane, kWarp);
    const float whole = reduce_warp(part, combine);
    if (lane == 0) out[row] = finish(whole);
  }
}

constexpr int64_t kShortRow = 512;  // four packs for each lane of a warp

// ---- columns: out[o, j] = finish(x[o, 0, j] + x[o, 1, j] + ...)
//
// A block takes kColumns columns of one slab, a pack for each thread of a row of threads. Its rows
// of threads take turns at the slab's rows, and are added at the end, in order.

constexpr int kAcross = 32, kDown = kThreads / kAcross, kColumns = 4 * kAcross;
constexpr int64_t kRowBlock = 16;  // rows of a thread that are added before the total: two levels
                                   // keep the rounding error of long sums small

Shape column_shape(const Stream& stream, int64_t slabs, int64_t cols) {
  const auto blocks = static_cast<unsigned>((cols + kColumns - 1) / kColumns);
  const int64_t most = int64_t{kBlocksPerMultiprocessor} * stream.device().info().multiprocessors;
  return {dim3(blocks, static_cast<unsigned>(slabs < most ? slabs : most)), dim3(kAcross, kDown)};
}

// value(row, j, lanes) gives four columns of a row from column j on; done(j, total, lanes) takes
// the results.
template <class Value, class Combine, class Done>
__device__ __forceinline__ void fold_columns_of_block(int64_t rows, int64_t cols, bool vectors,
                                                      float neutral, Value value, Combine combine,
                                                      Done done) {
  FASTNN_SHARED(float, parts, [kDown][kColumns]);
  const int64_t j = int64_t{blockIdx.x} * kColumns + 4 * threadIdx.x;
  const int here = cols - j >= 4 ? 4 : cols - j > 0 ? static_cast<int>(cols - j) : 0;
  const auto fold = [&](auto lanes) {
    Vec total = Vec::set(neutral);
    for (int64_t begin = threadIdx.y; begin < rows; begin += kRowBlock * kDown) {
      Vec block = Vec::set(neutral);
      for (int64_t k = 0, row = begin; k < kRowBlock && row < rows; ++k, row += kDown) {
        block = combine(block, value(row, j, lanes));
      }
      total = combine(total, block);
    }
    return total;
  };
  Vec total = Vec::set(neutral);
  if (vectors && here == 4) {
    total = fold(AllLanes{});
  } else if (here > 0) {
    total = fold(FirstLanes{here});
  }
  total.store(&parts[threadIdx.y][4 * threadIdx.x]);
  __syncthreads();
  if (threadIdx.y == 0 && here > 0) {
    for (int k = 1; k < kDown; ++k) {
      total = combine(total, Vec::load(&parts[k][4 * threadIdx.x]));
    }
    if (vectors) {
      done(j, total, AllLanes{});
    } else {
      done(j, total, FirstLanes{here});
    }
  }
  __syncthreads();  // the next slab's parts go to the same place
}

template <class Combine, class Finish>
__global__ void __launch_bounds__(kThreads)
    columns_kernel(int64_t outer, int64_t axis, int64_t inner, const float* x, float* out,
                   bool vectors, float neutral, Combine combine, Finish finish) {
  for (int64_t o = blockIdx.y; o < outer; o += gridDim.y) {
    fold_columns_of_block(
        axis, inner, vectors, neutral,
        [&](int64_t row, int64_t j, auto lanes) {
          return lanes.load(x + (o * axis + row) * inner + j);
        },
        combine,
        [&](int64_t j, Vec total, auto lanes) { lanes.store(finish(total), out + o * inner + j); });
  }
}

// out = finish(combine over the axis of x).
template <class Combine, class Finish>
void reduce(const Call& call, Stream& stream, float neutral, Combine combine, Finish finish) {
  const int64_t outer = call.dim[0], axis = call.dim[1], inner = call.dim[2];
  const float* x = call.in<float>(0);
  float* out = call.out<float>(1);
  if (inner != 1) {
    stream.launch(columns_kernel<Combine, Finish>, column_shape(stream, outer, inner), outer, axis,
                  inner, x, out, inner % 4 == 0 && aligned(x, out), neutral, combine, finish);
    return;
  }
  const bool vectors = axis % 4 == 0 && aligned(x);
  if (axis <= kShortRow) {
    stream.launch(short_rows_kernel<Combine, Finish>, stream.spread(outer * kWarp), outer, axis, x,
                  out, vectors, neutral, combine, finish);
  } else {
    stream.launch(long_rows_kernel<Combine, Finish>, stream.spread(outer * kThreads), outer, axis,
                  x, out, vectors, neutral, combine, finish);
  }
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

// db[j] = sum over rows of dz[:, j], dz = dy * act'(saved); dz is kept unless it is nullptr.
template <class Act>
__global__ void __launch_bounds__(kThreads)
    grad_bias_kernel(int64_t r, int64_t c, const float* dy, const float* saved, float* dz,
                     float* db, bool vectors, Act act) {
  fold_columns_of_block(
      r, c, vectors, 0.0f,
      [&](int64_t row, int64_t j, auto lanes) {
        const int64_t at = row * c + j;
        const Vec grad = act.grad(lanes.load(dy + at), lanes.load(saved + at));
        if (dz != nullptr) lanes.store(grad, dz + at);
        return grad;
      },
      Sum{}, [&](int64_t j, Vec total, auto lanes) { lanes.store(total, db + j); });
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

void activation_grad_bias(const Call& call, Stream& stream) {
  const int64_t r = call.dim[0], c = call.dim[1];
  const float* dy = call.in<float>(0);
  const float* saved = call.in<float>(1) ? call.in<float>(1) : dy;  // linear reads none
  float* dz = call.out<float>(2);
  float* db = call.out<float>(3);
  const bool vectors = c % 4 == 0 && aligned(dy, saved, dz, db);
  const auto activation = static_cast<Activation>(static_cast<int>(call.attr[0]));
  with_activation(activation, call.scalar(1), [&](auto act) {
    stream.launch(grad_bias_kernel<decltype(act)>, column_shape(stream, 1, c), r, c, dy, saved, dz,
                  db, vectors, act);
  });
}

}  // namespace fastnn::cuda
