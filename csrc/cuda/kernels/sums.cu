// Sums to one value: blocks of kReductionBlock elements in float32, one a thread block, then their
// totals in float64 by a single block, in a fixed order. What is made of the totals is done there.
#include "cuda/device/reduce.h"

namespace fastnn::cuda {
namespace {

// ---- the terms that are added
struct Values {
  const float* x;
  bool vectors() const { return aligned(x); }
  template <class Lanes>
  __device__ __forceinline__ Vec operator()(int64_t i, Lanes lanes) const {
    return lanes.load(x + i);
  }
};
struct Weighted {
  const float *x, *weights;
  bool vectors() const { return aligned(x, weights); }
  template <class Lanes>
  __device__ __forceinline__ Vec operator()(int64_t i, Lanes lanes) const {
    return lanes.load(x + i) * lanes.load(weights + i);
  }
};
struct Magnitudes {
  const float* x;
  bool vectors() const { return aligned(x); }
  template <class Lanes>
  __device__ __forceinline__ Vec operator()(int64_t i, Lanes lanes) const {
    return abs(lanes.load(x + i));
  }
};
struct Squares {
  const float* x;
  bool vectors() const { return aligned(x); }
  template <class Lanes>
  __device__ __forceinline__ Vec operator()(int64_t i, Lanes lanes) const {
    const Vec v = lanes.load(x + i);
    return v * v;
  }
};

// sums[b] = sum of the terms [b * kReductionBlock, (b + 1) * kReductionBlock) below n.
template <class Term>
__global__ void __launch_bounds__(kThreads)
    block_sums_kernel(int64_t n, Term term, bool vectors, float* sums) {
  const int64_t begin = int64_t{blockIdx.x} * kReductionBlock;
  const int64_t end = n < begin + kReductionBlock ? n : begin + kReductionBlock;
  Vec part = Vec::zero();
  for (int64_t i = begin + 4 * threadIdx.x; i < end; i += 4 * kThreads) {
    if (vectors && i + 4 <= end) {
      part = part + term(i, AllLanes{});
    } else {
      const FirstLanes lanes{end - i < 4 ? static_cast<int>(end - i) : 4};
      part = part + lanes.or_else(term(i, lanes), 0.0f);
    }
  }
  const float whole = reduce_block(hsum(part), 0.0f, Sum{});
  if (threadIdx.x == 0) sums[blockIdx.x] = whole;
}

int64_t blocks_of(int64_t n) { return (n + kReductionBlock - 1) / kReductionBlock; }

template <class Term>
void block_sums(Stream& stream, int64_t n, Term term, float* sums) {
  stream.launch(block_sums_kernel<Term>, {dim3(static_cast<unsigned>(blocks_of(n)))}, n, term,
                term.vectors(), sums);
}

// The sum of up to any number of block sums, in every thread of a block.
__device__ __forceinline__ double total_of(const float* sums, int64_t count) {
  double part = 0;
  for (int64_t i = threadIdx.x; i < count; i += kThreads) part += sums[i];
  return reduce_block(part, 0.0, Sum{});
}

// Weights that sum to 0 give 0, not NaN (as Keras' divide_no_nan).
__device__ __forceinline__ double divide_no_nan(double a, double b) { return b == 0 ? 0 : a / b; }

// ---- weighted_sum: out = sum(values * weights) / divisor; `weights` nullptr: all are 1
__global__ void __launch_bounds__(kThreads)
    quotient_kernel(const float* sums, const float* weight_sums, int64_t blocks, double divisor,
                    float* out) {
  const double total = total_of(sums, blocks);
  const double by = weight_sums ? total_of(weight_sums, blocks) : divisor;
  if (threadIdx.x == 0) *out = static_cast<float>(divide_no_nan(total, by));
}

__global__ void __launch_bounds__(kThreads)
    weighted_sum_grad_kernel(int64_t n, const float* dy, const float* weights,
                             const float* weight_sums, int64_t blocks, double divisor, float* out,
                             bool vectors) {
  const double by = weight_sums ? total_of(weight_sums, blocks) : divisor;
  const Vec each = Vec::set(static_cast<float>(divide_no_nan(*dy, by)));
  for_packs(n, vectors, [&](int64_t i, auto lanes) {
    lanes.store(weights ? each * lanes.load(weights + i) : each, out + i);
  });
}

// limit / max(norm, limit): 1 for a zero norm, NaN for one that is not finite.
__global__ void __launch_bounds__(kThreads)
    norm_scale_kernel(const float* sums, int64_t blocks, double limit, float* out) {
  const double norm = ::sqrt(total_of(sums, blocks));
  const double factor = norm > limit ? limit / norm : 1.0;
  if (threadIdx.x == 0) *out = static_cast<float>(factor + (norm - norm));
}

// l1 * sum|w| + l2 * sum w^2; a penalty of factor 0 has no sums.
__global__ void __launch_bounds__(kThreads)
    penalty_kernel(const float* magnitudes, const float* squares, int64_t blocks, double l1,
                   double l2, float* out) {
  double penalty = 0;
  if (magnitudes) penalty += l1 * total_of(magnitudes, blocks);
  if (squares) penalty += l2 * total_of(squares, blocks);
  if (threadIdx.x == 0) *out = static_cast<float>(penalty);
}

// dy * (l1 sign(w) + 2 l2 w).
__global__ void __launch_bounds__(kThreads)
    l1_l2_grad_kernel(int64_t n, const float* dy, const float* w, float* out, bool vectors,
                      float l1, float l2_twice) {
  const Vec slope = Vec::set(*dy);
  for_packs(n, vectors, [&](int64_t i, auto lanes) {
    const Vec v = lanes.load(w + i);
    lanes.store(slope * (Vec::set(l1) * sign(v) + Vec::set(l2_twice) * v), out + i);
  });
}

constexpr Shape kOneBlock{};

}  // namespace

void weighted_sum(const Call& call, Stream& stream) {
  const int64_t n = call.dim[0], blocks = blocks_of(n);
  const float* values = call.in<float>(0);
  const float* weights = call.in<float>(1);
  float* sums = stream.scratch<float>(2 * blocks);
  float* weight_sums = nullptr;
  if (weights) {
    block_sums(stream, n, Weighted{values, weights}, sums);
  } else {
    block_sums(stream, n, Values{values}, sums);
  }
  double divisor = call.attr[0];
  if (divisor == 0 && weights) {
    weight_sums = sums + blocks;
    block_sums(stream, n, Values{weights}, weight_sums);
  } else if (divisor == 0) {
    divisor = static_cast<double>(n);
  }
  stream.launch(quotient_kernel, kOneBlock, sums, weight_sums, blocks, divisor, call.out<float>(2));
}

void weighted_sum_grad(const Call& call, Stream& stream) {
  const int64_t n = call.dim[0], blocks = blocks_of(n);
  const float* dy = call.in<float>(0);
  const float* weights = call.in<float>(1);
  float* out = call.out<float>(2);
  float* weight_sums = nullptr;
  double divisor = call.attr[0];
  if (divisor == 0 && weights) {
    weight_sums = stream.scratch<float>(blocks);
    block_sums(stream, n, Values{weights}, weight_sums);
  } else if (divisor == 0) {
    divisor = static_cast<double>(n);
  }
  stream.launch(weighted_sum_grad_kernel, stream.spread_packs(n), n, dy, weights, weight_sums,
                blocks, divisor, out, aligned(weights, out));
}

// Sums of squares of fixed blocks.
void square_sums(const Call& call, Stream& stream) {
  block_sums(stream, call.dim[0], Squares{call.in<float>(0)}, call.out<float>(1));
}

void norm_scale(const Call& call, Stream& stream) {
  stream.launch(norm_scale_kernel, kOneBlock, call.in<float>(0), call.dim[0], call.attr[0],
                call.out<float>(1));
}

void l1_l2(const Call& call, Stream& stream) {
  const int64_t n = call.dim[0], blocks = blocks_of(n);
  const float* w = call.in<float>(0);
  const double l1 = call.attr[0], l2 = call.attr[1];
  float* sums = stream.scratch<float>(2 * blocks);
  float* magnitudes = l1 != 0 ? sums : nullptr;
  float* squares = l2 != 0 ? sums + blocks : nullptr;
  if (magnitudes) block_sums(stream, n, Magnitudes{w}, magnitudes);
  if (squares) block_sums(stream, n, Squares{w}, squares);
  stream.launch(penalty_kernel, kOneBlock, magnitudes, squares, blocks, l1, l2, call.out<float>(1));
}

void l1_l2_grad(const Call& call, Stream& stream) {
  const int64_t n = call.dim[0];
  const float* w = call.in<float>(1);
  float* out = call.out<float>(2);
  stream.launch(l1_l2_grad_kernel, stream.spread_packs(n), n, call.in<float>(0), w, out,
                aligned(w, out), call.scalar(0), 2.0f * call.scalar(1));
}

}  // namespace fastnn::cuda
