// The product of factors rounded to bf16, on tensor cores (mma.sync, from sm_80 on).
//
// A first kernel (convert.h) writes copies of the factors in bf16 to scratch memory, each with its
// rows as in memory, and with zeros up to whole tiles. So the main loop has no predicates and no
// conversions: a thread copies its chunks (LDGSTS), loads fragments (LDSM; transposed by the
// hardware where k is not contiguous) and multiplies (HMMA). Converting inside the loop instead
// would cost, per warp and k of 16 with a tile of 64 x 32, 12 more shared loads of twice the bytes
// and 24 conversions for 16 HMMA: more than all the rest. The copies cost 6 bytes of traffic an
// element, once; each element is then read n / 128 or m / 128 times, at half the bytes.
//
// Slices are copied kStages - 1 ahead. One barrier a slice does for both: everybody's copies of
// this slice have arrived, and nobody reads any more the slice that the next copies overwrite.
//
// bf16x3 is the same loop over a k three times as long: of A the lower parts, then the upper parts
// twice, against the upper, the lower and the upper parts of B. The small products come first.
#pragma once

#include "cuda/gemm/mma_tile.h"

namespace fastnn::cuda {

// A factor in bf16, in whole tiles.
struct HalfFactor {
  const std::uint16_t* data;
  int64_t stride;
};

// A thread's chunks of the slices of a factor. KContiguous: it is [outer, k]; otherwise [k, outer].
template <int Outer, int Threads, bool KContiguous>
class HalfCopies {
  static constexpr int BK = 32, kPerRow = (KContiguous ? BK : Outer) / 8;
  static constexpr int kChunks = Outer * BK / 8 / Threads, kDown = Threads / kPerRow;
  static_assert(kChunks * Threads * 8 == Outer * BK && kDown % 8 == 0);

 public:
  __device__ __forceinline__ HalfCopies(const HalfFactor& x, int outer, int k, int thread)
      : stride_(x.stride) {
    const int row = thread / kPerRow, chunk = thread % kPerRow;
    x_ = x.data + (KContiguous ? (outer + row) * x.stride + k : (k + row) * x.stride + outer) +
         8 * chunk;
    at_ = chunk_at<kPerRow>(row, chunk);
  }
  // Copies the next slice.
  __device__ __forceinline__ void copy(char* slice) {
    FASTNN_UNROLL
    for (int p = 0; p < kChunks; ++p) {
      gpu::copy_async<16>(slice + at_ + p * kDown * kPerRow * 16, x_ + p * kDown * stride_);
    }
    x_ += KContiguous ? BK : BK * stride_;
  }

 private:
  const std::uint16_t* x_;
  int64_t stride_;
  int at_;
};

template <class T, Form kForm>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks)
    bf16_kernel(const Product q, const HalfFactor a, const HalfFactor b) {
  constexpr int BM = T::BM, BN = T::BN, BK = 32;
  constexpr bool kAlongA = kForm != Form::tn, kAlongB = kForm == Form::nt;  // k is contiguous
  FASTNN_DYNAMIC_SHARED(char, shared);
  const int thread = static_cast<int>(threadIdx.x);
  const WarpPlace<T> at(thread);
  const TilePlace place =
      place_of(static_cast<int>(blockIdx.x), (q.m() + BM - 1) / BM, (q.n() + BN - 1) / BN);
  const int i0 = place.i * BM, j0 = place.j * BN;
  const int k0 = static_cast<int>(blockIdx.y) * q.chunk();
  const int k = q.k() - k0 < q.chunk() ? q.k() - k0 : q.chunk();

  HalfCopies<BM, T::kThreads, kAlongA> copies_a(a, i0, k0, thread);
  HalfCopies<BN, T::kThreads, kAlongB> copies_b(b, j0, k0, thread);
  const Fragments<BM, T::WM / 16, true, kAlongA> fragments_a(at.i, at.lane);
  const Fragments<BN, T::WN / 16, false, kAlongB> fragments_b(at.j, at.lane);
  int to_copy = k;
  const auto copy_next = [&](char* stage) {
    if (to_copy > 0) {
      copies_a.copy(stage);
      copies_b.copy(stage + T::kBytesA);
    }
    to_copy -= BK;
    gpu::commit_copies();
  };

  float sums[T::WM / 16][T::WN / 8][4] = {};
  FASTNN_UNROLL
  for (int s = 0; s < T::kStages - 1; ++s) copy_next(shared + s * T::kStage);
  int stage = 0, stage_to_fill = (T::kStages - 1) * T::kStage;
  FASTNN_NO_UNROLL
  for (int left = k; left > 0; left -= BK) {
    gpu::wait_for_copies<T::kStages - 2>();
    __syncthreads();
    copy_next(shared + stage_to_fill);
    const char* slice_a = shared + stage;
    const char* slice_b = slice_a + T::kBytesA;
    FASTNN_UNROLL
    for (int step = 0; step < BK / 16; ++step) {
      std::uint32_t fa[T::WM / 16][4], fb[T::WN / 16][4];
      FASTNN_UNROLL
      for (int ni = 0; ni < T::WN / 16; ++ni) {
        fragments_b.load(fb[ni], slice_b, ni, step);
      }
      FASTNN_UNROLL
      for (int mi = 0; mi < T::WM / 16; ++mi) {
        fragments_a.load(fa[mi], slice_a, mi, step);
      }
      FASTNN_UNROLL
      for (int mi = 0; mi < T::WM / 16; ++mi) {
        FASTNN_UNROLL
        for (int ni = 0; ni < T::WN / 8; ++ni) {
          const std::uint32_t pair[2] = {fb[ni / 2][ni % 2 * 2], fb[ni / 2][ni % 2 * 2 + 1]};
          gpu::mma_bf16(sums[mi][ni], fa[mi], pair);
        }
      }
    }
    stage_to_fill = stage;
    stage = stage + T::kStage == T::kShared ? 0 : stage + T::kStage;
  }
  finish_sums<T>(q, i0, j0, reinterpret_cast<float*>(shared), at, sums);
}

}  // namespace fastnn::cuda
