// Kernels that take a matrix row by row: fold something over the row, perhaps several times, then
// write to its elements.
//
// A short row is taken by some lanes of a warp, so that a warp serves several, a longer one by a
// block; which, and so the order of every sum, follows from the row's length alone. A body is
// written once for all of them, over a `Row`, or over a `Column`, which is the same for axes that
// are not the last. It reads what other threads write (its output may be its input) before it folds
// for the first time, and writes after it has folded for the last.
#pragma once

#include "cuda/device/reduce.h"

namespace fastnn::cuda {

// Up to four elements of a row: from `j` on, which lie in memory from `i` on. `k`: how many of the
// thread's packs come before.
template <class Lanes>
struct Pack {
  int k;
  int64_t j, i;
  Lanes lanes;

  __device__ __forceinline__ Vec load(const float* x) const { return lanes.load(x + i); }
  __device__ __forceinline__ void store(Vec v, float* y) const { lanes.store(v, y + i); }
};

// ---- who takes a row

struct FewLanes {
  int wide;  // 1, 2, 4 ... 32

  __device__ __forceinline__ int64_t first_row() const { return thread_in_grid() / wide; }
  __device__ __forceinline__ int64_t row_step() const { return threads_in_grid() / wide; }
  __device__ __forceinline__ int thread() const { return threadIdx.x & (wide - 1); }
  __device__ __forceinline__ int threads() const { return wide; }

  template <class T, class Combine>
  __device__ __forceinline__ T reduce(T value, T, Combine combine) const {
    const unsigned first = threadIdx.x % kWarp & ~(wide - 1);
    const unsigned mine = (wide == kWarp ? kAllLanes : (1u << wide) - 1) << first;
    for (int distance = wide / 2; distance > 0; distance /= 2) {
      value = combine(value, __shfl_xor_sync(mine, value, distance));
    }
    return value;
  }
};

struct WholeBlock {
  __device__ __forceinline__ int64_t first_row() const { return blockIdx.x; }
  __device__ __forceinline__ int64_t row_step() const { return gridDim.x; }
  __device__ __forceinline__ int thread() const { return threadIdx.x; }
  __device__ __forceinline__ int threads() const { return kThreads; }

  template <class T, class Combine>
  __device__ __forceinline__ T reduce(T value, T neutral, Combine combine) const {
    return reduce_block(value, neutral, combine);
  }
};

// ---- what a body sees

// A thread's part of an operand's row: in registers, or, where kPacks is 0, in memory.
template <int kPacks>
class Kept {
 public:
  template <class Row>
  __device__ __forceinline__ Kept(const Row& row, const float* x) : x_(x) {
    if constexpr (kPacks > 0) row.each([&](auto pack) { packs_[pack.k] = pack.load(x); });
  }
  template <class Lanes>
  __device__ __forceinline__ Vec operator[](const Pack<Lanes>& pack) const {
    if constexpr (kPacks > 0) {
      return packs_[pack.k];
    } else {
      return pack.load(x_);
    }
  }

 private:
  const float* x_;
  Vec packs_[kPacks > 0 ? kPacks : 1];
};

// kPacks: the most packs that a thread has of it; 0: any number.
template <class Threads, int kPacks>
class Row {
 public:
  int64_t index, size;

  __device__ __forceinline__ Row(Threads threads, int64_t index, int64_t size, bool vectors)
      : index(index), size(size), threads_(threads), vectors_(vectors) {}

  // One thread of all that have this row.
  __device__ __forceinline__ bool first() const { return threads_.thread() == 0; }

  // For operands that a body reads more than once.
  __device__ __forceinline__ Kept<kPacks> keep(const float* x) const { return {*this, x}; }

  // body(pack), for this thread's packs.
  template <class Body>
  __device__ __forceinline__ void each(Body body) const {
    const int64_t begin = 4 * threads_.thread(), step = 4 * threads_.threads();
    if constexpr (kPacks > 0) {
      FASTNN_UNROLL
      for (int k = 0; k < kPacks; ++k) {
        if (begin + k * step < size) take(k, begin + k * step, body);
      }
    } else {
      for (int64_t j = begin; j < size; j += step) take(0, j, body);
    }
  }

  // part(pack) of all packs, combined; for every thread.
  template <class T, class Part, class Combine>
  __device__ __forceinline__ T fold(T neutral, Part part, Combine combine) const {
    T mine = neutral;
    each([&](auto pack) { mine = combine(mine, part(pack)); });
    return threads_.reduce(mine, neutral, combine);
  }
  // term(pack) of all elements combined, in each lane.
  template <class Term, class Combine>
  __device__ __forceinline__ Vec fold_lanes(float neutral, Term term, Combine combine) const {
    Vec mine = Vec::set(neutral);
    each([&](auto pack) { mine = combine(mine, pack.lanes.or_else(term(pack), neutral)); });
    const float part = combine(combine(mine.v[0], mine.v[2]), combine(mine.v[1], mine.v[3]));
    return Vec::set(threads_.reduce(part, neutral, combine));
  }
  template <class Term>
  __device__ __forceinline__ Vec sum(Term term) const {
    return fold_lanes(0.0f, term, Sum{});
  }
  template <class Term>
  __device__ __forceinline__ Vec max(Term term) const {
    return fold_lanes(-kInfinity, term, Largest{});
  }

 private:
  template <class Body>
  __device__ __forceinline__ void take(int k, int64_t j, Body body) const {
    if (vectors_ && j + 4 <= size) {
      body(Pack<AllLanes>{k, j, index * size + j, {}});
    } else {
      const int here = size - j < 4 ? static_cast<int>(size - j) : 4;
      body(Pack<FirstLanes>{k, j, index * size + j, {here}});
    }
  }

  Threads threads_;
  bool vectors_;
};

// Four rows of a middle axis side by side, by one thread: each lane has a fold of its own.
template <class Lanes>
class Column {
 public:
  __device__ __forceinline__ Column(int64_t begin, int64_t size, int64_t stride, Lanes lanes)
      : begin_(begin), size_(size), stride_(stride), lanes_(lanes) {}

  __device__ __forceinline__ Kept<0> keep(const float* x) const { return {*this, x}; }

  template <class Body>
  __device__ __forceinline__ void each(Body body) const {
    int64_t i = begin_;
    for (int64_t j = 0; j < size_; ++j, i += stride_) body(Pack<Lanes>{0, j, i, lanes_});
  }
  template <class Term>
  __device__ __forceinline__ Vec sum(Term term) const {
    Vec total = Vec::zero();
    each([&](auto pack) { total = total + term(pack); });
    return total;
  }
  template <class Term>
  __device__ __forceinline__ Vec max(Term term) const {
    Vec most = Vec::set(-kInfinity);
    each([&](auto pack) { most = cuda::max(most, term(pack)); });
    return most;
  }

 private:
  int64_t begin_, size_, stride_;
  Lanes lanes_;
};

// ---- launches: two blocks on a multiprocessor are promised, so that the compiler does not spill
// for the sake of more

template <class Threads, int kPacks, class Body>
__global__ void __launch_bounds__(kThreads, 2)
    rows_kernel(int64_t rows, int64_t size, bool vectors, Threads threads, Body body) {
  for (int64_t row = threads.first_row(); row < rows; row += threads.row_step()) {
    body(Row<Threads, kPacks>(threads, row, size, vectors));
  }
}

template <class Body>
__global__ void __launch_bounds__(kThreads, 2)
    columns_kernel(int64_t outer, int64_t size, int64_t inner, bool vectors, Body body) {
  for_row_packs(outer, inner, vectors, [&](int64_t o, int64_t j, auto lanes) {
    body(Column(o * size * inner + j, size, inner, lanes));
  });
}

inline constexpr int kKeptPacks = 4;
inline constexpr int64_t kShortRow = 4 * kKeptPacks * kWarp;    // of one warp
inline constexpr int64_t kKeptRow = 4 * kKeptPacks * kThreads;  // that a block's registers hold

// How often a body goes over a row.
enum class Turns { one, several };

// body(row), for the rows of a [rows, size] matrix. `vectors`: the operands are aligned().
template <Turns kTurns, class Body>
void for_rows(Stream& stream, int64_t rows, int64_t size, bool vectors, Body body) {
  constexpr int kPacks = kTurns == Turns::one ? 0 : kKeptPacks;
  vectors = vectors && (size % 4 == 0 || rows == 1);
  if (size <= kShortRow) {
    FewLanes lanes{1};
    while (4 * lanes.wide < size && lanes.wide < kWarp) lanes.wide *= 2;
    stream.launch(rows_kernel<FewLanes, kPacks, Body>, stream.spread(rows * lanes.wide), rows, size,
                  vectors, lanes, body);
  } else if (kPacks > 0 && size <= kKeptRow) {
    stream.launch(rows_kernel<WholeBlock, kPacks, Body>, stream.spread(rows * kThreads), rows, size,
                  vectors, WholeBlock{}, body);
  } else {
    stream.launch(rows_kernel<WholeBlock, 0, Body>, stream.spread(rows * kThreads), rows, size,
                  vectors, WholeBlock{}, body);
  }
}

}  // namespace fastnn::cuda
