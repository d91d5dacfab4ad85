// What the products on tensor cores share: tiles, where things lie in shared memory, where a warp's
// sums go.
//
// Shared memory is laid out in chunks of 16 bytes. A tile of an operand keeps the rows that it has
// in memory; the chunks of a row change places by the row's number, so that eight rows' chunks of
// one column lie in different banks: ldmatrix reads, and copies write, without a conflict.
#pragma once

#include "cuda/gemm/epilogue.h"

namespace fastnn::cuda {

// BM x BN of C for a block, WM x WN for a warp, slices of kSliceBytes of k. `Blocks` should fit
// into a multiprocessor at once: that bounds the registers.
template <int BM_, int BN_, int WM_, int WN_, int Stages_, int Blocks_>
struct MmaTile {
  static constexpr int BM = BM_, BN = BN_, WM = WM_, WN = WN_;
  static constexpr int kStages = Stages_, kBlocks = Blocks_;
  static constexpr int kWarpsAcross = BN / WN, kThreads = BM / WM * kWarpsAcross * 32;
  static constexpr int kSliceBytes = 64;  // of k: 32 bf16 or 16 float32
  static constexpr int kBytesA = BM * kSliceBytes, kStage = (BM + BN) * kSliceBytes;
  static constexpr int kShared = kStages * kStage;
  static constexpr int kRoom = kShared / (4 * kFinishStride<BN>) / 32 * 32;
  static constexpr int kFinishRows = kRoom < BM ? kRoom : BM;
};

// The byte where a chunk lies in rows of `PerRow` chunks.
template <int PerRow>
__device__ __forceinline__ int chunk_at(int row, int chunk) {
  static_assert(PerRow == 4 || PerRow % 8 == 0);
  return (row * PerRow + (PerRow == 4 ? chunk ^ (row >> 1 & 3) : chunk ^ (row & 7))) * 16;
}

// Fragments by ldmatrix: 16 rows of A or columns of B each, Count of them one behind the other, and
// 32 bytes of k at a time (a step; nvidia/ptx.h has the layouts). What does not depend on the slice
// is worked out here, once; the rest of an address is a constant of the instruction.
template <int Outer, int Count, bool OfA, bool KContiguous>
class Fragments {
  // The lane's row in the memory's layout, and its chunk of two.
  static constexpr bool kStraight = OfA == KContiguous;

 public:
  __device__ __forceinline__ Fragments(int first, int lane) {
    const int row = kStraight ? lane % 16 : lane / 16 * 8 + lane % 8;
    const int chunk = kStraight ? lane / 16 : lane / 8 % 2;
    FASTNN_UNROLL
    for (int i = 0; i < kPlaces; ++i) {
      at_[i] = KContiguous ? chunk_at<4>(first + row, 2 * i + chunk)
                           : chunk_at<Outer / 8>(row, first / 8 + 2 * i + chunk);
    }
  }
  __device__ __forceinline__ void load(std::uint32_t (&f)[4], const char* slice, int index,
                                       int step) const {
    if constexpr (KContiguous) {
      gpu::load_matrix(f, slice + at_[step] + index * 16 * 64);
    } else {
      gpu::load_matrix_transposed(f, slice + at_[index] + step * 16 * 2 * Outer);
    }
  }

 private:
  static constexpr int kPlaces = KContiguous ? 2 : Count;
  int at_[kPlaces];
};

// Where a lane's sums of a warp's tile are: element i of sums[mi][ni] is at
// (16 mi + 8 (i >> 1) + row, 8 ni + col + (i & 1)).
template <class T>
struct WarpPlace {
  int lane, i, j;  // i, j: the warp's tile within the block's
  int row, col;

  __device__ __forceinline__ explicit WarpPlace(int thread)
      : lane(thread % 32),
        i(thread / 32 / T::kWarpsAcross * T::WM),
        j(thread / 32 % T::kWarpsAcross * T::WN),
        row(lane / 4),
        col(lane % 4 * 2) {}
};

template <class T>
__device__ __forceinline__ void finish_sums(const Product& q, int i0, int j0, float* shared,
                                            const WarpPlace<T>& at,
                                            const float (&sums)[T::WM / 16][T::WN / 8][4]) {
  finish_tile<T::BM, T::BN, T::kFinishRows>(q, i0, j0, shared, [&](int first, float* tile) {
    FASTNN_UNROLL
    for (int mi = 0; mi < T::WM / 16; ++mi) {
      FASTNN_UNROLL
      for (int h = 0; h < 2; ++h) {
        const int row = at.i + 16 * mi + 8 * h + at.row - first;
        if (row < 0 || row >= T::kFinishRows) continue;
        FASTNN_UNROLL
        for (int ni = 0; ni < T::WN / 8; ++ni) {
          const float* pair = sums[mi][ni] + 2 * h;
          *reinterpret_cast<float2*>(tile + row * kFinishStride<T::BN> + at.j + 8 * ni + at.col) =
              make_float2(pair[0], pair[1]);
        }
      }
    }
  });
}

}  // namespace fastnn::cuda
