// The product in float32 on the ordinary cores. Every element of C is one chain of fused
// multiply-adds in ascending k, whatever the tile: the bits are those of the CPU's kernels.
//
// A thread keeps TM x TN sums in registers. While a block multiplies one slice of BK columns of A
// and rows of B from shared memory, the next slice is on its way to registers; it goes to the other
// half of the shared memory when the sums are done, so that one barrier a slice is enough.
#pragma once

#include "cuda/gemm/epilogue.h"

namespace fastnn::cuda {

template <int BM_, int BN_, int BK_, int TM_, int TN_, int Blocks_>
struct SimtTile {
  static constexpr int BM = BM_, BN = BN_, BK = BK_, TM = TM_, TN = TN_;
  static constexpr int kThreads = BM / TM * (BN / TN);
  static constexpr int kBlocks = Blocks_;  // of a multiprocessor: bounds the registers
  // Rows are padded so that the four rows of a pack that is turned lie in other banks.
  static constexpr int kStrideA = BM + 4, kStrideB = BN + 4;
  static constexpr int kSlice = BK * (kStrideA + kStrideB);
  // Rows of C that the slices' memory has room for.
  static constexpr int kRoom = 2 * kSlice / kFinishStride<BN> / 32 * 32;
  static constexpr int kFinishRows = kRoom < BM ? kRoom : BM;
};

// A thread's part of the slices of an operand, on its way from memory to slice[k][outer], whose
// rows are Stride apart. KContiguous: the operand is [outer, k]; otherwise [k, outer].
template <int Outer, int BK, int Stride, int Threads, bool KContiguous>
class SlicePart {
  static constexpr int kAcross = (KContiguous ? BK : Outer) / 4;  // packs of a row in memory
  static constexpr int kPacks = Outer * BK / 4 / Threads, kDown = Threads / kAcross;
  static_assert(kPacks * 4 * Threads == Outer * BK && kDown * kAcross == Threads);

 public:
  // The operand, its element (outer, k) that is the first of the first slice, how many rows or
  // columns of C are left from there on, and how much of k. Beyond the last row it is read once
  // more: what comes of it is not written.
  __device__ __forceinline__ SlicePart(const float* x, int stride, int outer, int k, int outers,
                                       int ks, bool vectors, int thread)
      : stride_(stride), vectors_(vectors) {
    const int row = thread / kAcross, col = thread % kAcross * 4;
    if constexpr (KContiguous) {
      const int within = row < outers ? row : outers - 1;
      outers_ = outers - within;
      ks_ = ks - col;
      x_ = x + int64_t{outer + within} * stride + k + col;
      at_ = col * Stride + row;
    } else {
      outers_ = outers - col;
      ks_ = ks - row;
      x_ = x + int64_t{k + row} * stride + outer + col;
      at_ = row * Stride + col;
    }
  }
  // Of the next slice.
  __device__ __forceinline__ void fetch() {
    FASTNN_UNROLL
    for (int p = 0; p < kPacks; ++p) {
      int down = p * kDown, left = KContiguous ? ks_ : outers_;
      if constexpr (KContiguous) {
        if (down >= outers_) down = outers_ - 1;
      } else if (down >= ks_) {
        left = 0;
      }
      const float* from = x_ + int64_t{down} * stride_;
      if (vectors_) {  // then there are packs, and no remainders
        packs_[p] = left > 0 ? Vec::load(from) : Vec::zero();
      } else {
        packs_[p] = Vec::load(from, left);
      }
    }
    x_ += KContiguous ? BK : int64_t{BK} * stride_;
    ks_ -= BK;
  }
  __device__ __forceinline__ void put(float* slice) const {
    FASTNN_UNROLL
    for (int p = 0; p < kPacks; ++p) {
      if constexpr (KContiguous) {
        FASTNN_UNROLL
        for (int l = 0; l < 4; ++l) slice[at_ + l * Stride + p * kDown] = packs_[p].v[l];
      } else {
        packs_[p].store(slice + at_ + p * kDown * Stride);
      }
    }
  }

 private:
  const float* x_;
  int at_, outers_, ks_, stride_;
  bool vectors_;
  Vec packs_[kPacks];
};

// Of T consecutive threads' elements a thread has groups of up to four, `Apart` from each other.
template <int T, int Apart>
__device__ __forceinline__ void load_fragment(float (&f)[T], const float* row) {
  FASTNN_UNROLL
  for (int i = 0; i < T; i += 4) {
    if constexpr (T % 4 == 0) {
      const Vec x = Vec::load(row + i / 4 * Apart);
      FASTNN_UNROLL
      for (int l = 0; l < 4; ++l) f[i + l] = x.v[l];
    } else {
      static_assert(T == 2);
      const float2 x = *reinterpret_cast<const float2*>(row);
      f[0] = x.x, f[1] = x.y;
    }
  }
}

template <class T, Form kForm>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks)
    simt_kernel(const Product q, const bool vectors_a, const bool vectors_b) {
  constexpr int BM = T::BM, BN = T::BN, BK = T::BK, TM = T::TM, TN = T::TN;
  constexpr bool kTurnA = kForm != Form::tn, kTurnB = kForm == Form::nt;  // k is contiguous
  FASTNN_SHARED(float, slices, [2 * T::kSlice]);
  const int thread = static_cast<int>(threadIdx.x), lane = thread % 32, warp = thread / 32;
  constexpr int kWarpsAcross = BN / TN / 8;  // a warp is 4 x 8 threads
  const int ty = warp / kWarpsAcross * 4 + lane / 8, tx = warp % kWarpsAcross * 8 + lane % 8;
  constexpr int kGroupM = TM < 4 ? TM : 4, kApartM = BM * kGroupM / TM, kApartN = BN * 4 / TN;

  const TilePlace place =
      place_of(static_cast<int>(blockIdx.x), (q.m() + BM - 1) / BM, (q.n() + BN - 1) / BN);
  const int i0 = place.i * BM, j0 = place.j * BN;
  const int k0 = static_cast<int>(blockIdx.y) * q.chunk();
  const int k = q.k() - k0 < q.chunk() ? q.k() - k0 : q.chunk();

  float sums[TM][TN] = {};
  SlicePart<BM, BK, T::kStrideA, T::kThreads, kTurnA> next_a(q.a, kTurnA ? q.k() : q.m(), i0, k0,
                                                             q.m() - i0, k, vectors_a, thread);
  SlicePart<BN, BK, T::kStrideB, T::kThreads, kTurnB> next_b(q.b, kTurnB ? q.k() : q.n(), j0, k0,
                                                             q.n() - j0, k, vectors_b, thread);
  float* const slices_b = slices + BK * T::kStrideA;
  if (k > 0) {
    next_a.fetch(), next_b.fetch();
    next_a.put(slices), next_b.put(slices_b);
  }
  __syncthreads();
  int half = 0;
  FASTNN_NO_UNROLL
  for (int left = k; left > 0; left -= BK) {
    if (left > BK) next_a.fetch(), next_b.fetch();
    const float* rows_a = slices + half + ty * kGroupM;
    const float* rows_b = slices_b + half + tx * 4;
    FASTNN_UNROLL
    for (int p = 0; p < BK; ++p) {
      float fa[TM], fb[TN];
      load_fragment<TM, kApartM>(fa, rows_a + p * T::kStrideA);
      load_fragment<TN, kApartN>(fb, rows_b + p * T::kStrideB);
      FASTNN_UNROLL
      for (int i = 0; i < TM; ++i) {
        FASTNN_UNROLL
        for (int j = 0; j < TN; ++j) sums[i][j] = fmaf(fa[i], fb[j], sums[i][j]);
      }
    }
    half = T::kSlice - half;  // 0 or kSlice
    if (left > BK) next_a.put(slices + half), next_b.put(slices_b + half);
    __syncthreads();
  }

  finish_tile<BM, BN, T::kFinishRows>(q, i0, j0, slices, [&](int first, float* tile) {
    FASTNN_UNROLL
    for (int i = 0; i < TM; ++i) {
      const int row = i / kGroupM * kApartM + ty * kGroupM + i % kGroupM - first;
      if (row < 0 || row >= T::kFinishRows) continue;
      FASTNN_UNROLL
      for (int j = 0; j < TN; j += 4) {
        const Vec x{{sums[i][j], sums[i][j + 1], sums[i][j + 2], sums[i][j + 3]}};
        x.store(tile + row * kFinishStride<BN> + j / 4 * kApartN + tx * 4);
      }
    }
  });
}

}  // namespace fastnn::cuda
