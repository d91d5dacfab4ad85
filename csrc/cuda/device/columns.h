// Reductions down the columns of matrices: of each slab of rows, a value for each column.
//
// A block takes kColumns columns of one slab, a pack for each thread of a row of threads. Its rows
// of threads take turns at the slab's rows, and are added at the end, in order.
//
// A slab of many rows and few columns would keep a few blocks busy for long. So it is cut into
// bands of rows, a block each, and a second launch folds what they give, in order. The cuts depend
// on the number of rows alone, so the bits are the same on all devices.
#pragma once

#include "cuda/device/reduce.h"

namespace fastnn::cuda {

inline constexpr int kAcross = 32, kDown = kThreads / kAcross, kColumns = 4 * kAcross;
inline constexpr int64_t kRowBlock = 16;  // rows of a thread that are added before the total: two
                                          // levels keep the rounding error of long sums small

inline constexpr int64_t kOneBand = 512;   // so many rows cost a block less than a second launch
inline constexpr int64_t kBandRows = 128;  // of a band, where there are more

inline constexpr int64_t kMostDown = 65535;  // blocks of a grid, in its second dimension

struct Bands {
  int64_t rows, of;  // of a slab, of a band

  __host__ __device__ int64_t count() const { return rows <= of ? 1 : (rows + of - 1) / of; }
  __device__ int64_t begin(int64_t band) const { return band * of; }
  __device__ int64_t size(int64_t band) const {
    const int64_t left = rows - begin(band);
    return left < of ? left : of;
  }
};

inline Bands one_band(int64_t rows) { return {rows, rows}; }
inline Bands bands_of(int64_t rows) {
  if (rows <= kOneBand) return one_band(rows);
  const int64_t most = (rows + kMostDown - 1) / kMostDown;
  return {rows, most > kBandRows ? most : kBandRows};
}

// Blocks for all columns, `down` times.
inline Shape column_shape(int64_t down, int64_t cols) {
  const auto blocks = static_cast<unsigned>((cols + kColumns - 1) / kColumns);
  return {dim3(blocks, static_cast<unsigned>(down)), dim3(kAcross, kDown)};
}

// The same for any number of slabs, which blocks take in turns.
inline Shape slab_shape(const Stream& stream, int64_t slabs, int64_t cols) {
  const int64_t most = int64_t{kBlocksPerMultiprocessor} * stream.device().info().multiprocessors;
  return column_shape(slabs < most ? slabs : most, cols);
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

struct AsIs {
  __device__ __forceinline__ Vec operator()(Vec x) const { return x; }
};

// out[slab, band, j] = finish(combine over the band's rows of x[slab, :, j]).
template <class Combine, class Finish>
__global__ void __launch_bounds__(kThreads)
    fold_columns_kernel(int64_t slabs, Bands bands, int64_t cols, const float* x, float* out,
                        bool vectors, float neutral, Combine combine, Finish finish) {
  const int64_t count = bands.count();
  for (int64_t s = blockIdx.y; s < slabs * count; s += gridDim.y) {
    const int64_t band = s % count, first = (s / count * bands.rows + bands.begin(band)) * cols;
    fold_columns_of_block(
        bands.size(band), cols, vectors, neutral,
        [&](int64_t row, int64_t j, auto lanes) { return lanes.load(x + first + row * cols + j); },
        combine,
        [&](int64_t j, Vec total, auto lanes) {
          store_global(lanes, finish(total), out + s * cols + j);
        });
  }
}

// out[slab, j] = finish(combine over the rows of x[slab, :, j]), each slab in one band.
template <class Combine, class Finish>
void fold_slabs(Stream& stream, int64_t slabs, int64_t rows, int64_t cols, const float* x,
                float* out, float neutral, Combine combine, Finish finish) {
  stream.launch(fold_columns_kernel<Combine, Finish>, slab_shape(stream, slabs, cols), slabs,
                one_band(rows), cols, x, out, cols % 4 == 0 && aligned(x, out), neutral, combine,
                finish);
}

}  // namespace fastnn::cuda
