// How the threads of a grid share a range of floats, and what every kernel file starts from.
#pragma once

#include "cuda/device/vec.h"

// Vec comes first; what is written over it follows.
#include "cpu/kernels/elementwise.h"
#include "cuda/run_state.h"
#include "cuda/stream.h"

namespace fastnn::cuda {

using std::int64_t;

__device__ __forceinline__ int64_t thread_in_grid() {
  return int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
}
__device__ __forceinline__ int64_t threads_in_grid() { return int64_t{gridDim.x} * blockDim.x; }

// May all of these be read and written 16 bytes at a time? An absent operand may.
template <class... Pointers>
bool aligned(Pointers... pointers) {
  return ((reinterpret_cast<std::uintptr_t>(pointers) % 16 == 0) && ...);
}

// lanes.store(x, p) to global memory, for kernels whose stores nvcc would take apart.
__device__ __forceinline__ void store_global(AllLanes, Vec x, float* p) {
  gpu::store_global(p, make_float4(x.v[0], x.v[1], x.v[2], x.v[3]));
}
__device__ __forceinline__ void store_global(FirstLanes lanes, Vec x, float* p) {
  lanes.store(x, p);
}

// body(i, lanes) for i = 0, 4, 8 ... below n, each by one thread of the grid, in launches of
// Stream::spread_packs. `vectors`: the pointers that the body uses are aligned(). A tail element,
// and one of memory that is not aligned, takes the same operations as any other.
template <class Body>
__device__ __forceinline__ void for_packs(int64_t n, bool vectors, Body body) {
  for (int64_t i = 4 * thread_in_grid(); i < n; i += 4 * threads_in_grid()) {
    if (vectors && i + 4 <= n) {
      body(i, AllLanes{});
    } else {
      body(i, FirstLanes{n - i < 4 ? static_cast<int>(n - i) : 4});
    }
  }
}

// body(row, j, lanes) for every row of a [rows, cols] matrix and j = 0, 4, 8 ... below cols, in
// launches of Stream::spread_rows. `vectors`: the pointers are aligned(), and so is each row's
// start, because cols is a multiple of 4 or there is one row.
template <class Body>
__device__ __forceinline__ void for_row_packs(int64_t rows, int64_t cols, bool vectors, Body body) {
  const int64_t row_step = int64_t{gridDim.y} * blockDim.y;
  for (int64_t row = int64_t{blockIdx.y} * blockDim.y + threadIdx.y; row < rows; row += row_step) {
    for (int64_t j = 4 * thread_in_grid(); j < cols; j += 4 * threads_in_grid()) {
      if (vectors && j + 4 <= cols) {
        body(row, j, AllLanes{});
      } else {
        body(row, j, FirstLanes{cols - j < 4 ? static_cast<int>(cols - j) : 4});
      }
    }
  }
}

// Who reports a fault: host functions make it, kernels call it.
class Reporter {
 public:
  Reporter(const Call& call, const Stream& stream) : run_(stream.reports()), node_(call.node) {}
  __device__ Reporter(DeviceRun* run, std::uint32_t node) : run_(run), node_(node) {}
  Reporter(const Stream& stream, std::uint32_t node) : run_(stream.reports()), node_(node) {}

  // Keeps the first fault of a run, whichever thread that is.
  __device__ void operator()(Fault fault, int64_t row, int64_t value, int64_t limit) const {
    if (atomicCAS(&run_->report.reported, 0, 1) != 0) return;
    Report& first = run_->report.first;  // ours alone from here on
    first.fault = fault;
    first.node = node_;
    first.step = run_->step;
    first.row = row;
    first.value = value;
    first.limit = limit;
  }

 private:
  DeviceRun* run_;
  std::uint32_t node_;
};

}  // namespace fastnn::cuda
