// Reductions down the columns of matrices: of each slab of rows, a value for each column.
//
// A block takes kColumns columns of one slab, a pack for each thread of a row of threads. Its rows
// of threads take turns at the slab's rows, and are added at the end, in order.
#pragma once

#include "cuda/device/reduce.h"

namespace fastnn::cuda {

inline constexpr int kAcross = 32, kDown = kThreads / kAcross, kColumns = 4 * kAcross;
inline constexpr int64_t kRowBlock = 16;  // rows of a thread that are added before the total: two
                                          // levels keep the rounding error of long sums small

inline Shape column_shape(const Stream& stream, int64_t slabs, int64_t cols) {
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

}  // namespace fastnn::cuda
