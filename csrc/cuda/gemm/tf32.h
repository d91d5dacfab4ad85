// The product on tensor cores with factors rounded to tf32 (11 bits), or as 3xtf32: factors split
// into two tf32 each, x = big + small, and big small + small big + big big summed.
//
// Operands are copied to shared memory as they are, float32, and rounded or split when a fragment
// is loaded; so there is no pass over them before. That takes rows and addresses of 16 bytes. Where
// k is contiguous, ldmatrix loads fragments, as 8 rows of 4 words; elsewhere single words.
//
// 3xtf32, bound: with big = x cut off to 11 bits, |small| < 2^-10 |x|, which is cut off in its
// turn, by less than 2^-21 |x|; left out is small small < 2^-20 |a b|. Together less than 2^-19 |a
// b| for each product, beside the rounding of the sums. Cutting off takes one instruction, and no
// finite x becomes infinite.
//
// Why "highest" is not made so: split by rounding instead (3 * 2^-22), it would be as exact as the
// chain of fused multiply-adds if sums were rounded to nearest. But how tensor cores round them is
// not documented; Ootomo and Yokota, "Recovering single precision accuracy from Tensor Cores",
// 2022, find them cut off, and then the error grows with k instead of its root: ten times the
// chain's at a k of 784 (docs/cuda.md has the numbers).
#pragma once

#include "cuda/gemm/mma_tile.h"

namespace fastnn::cuda {

// A thread's chunks of the slices of an operand. KContiguous: it is [outer, k]; otherwise [k,
// outer].
template <int Outer, int Threads, bool KContiguous>
class WordCopies {
  static constexpr int BK = 16, kPerRow = (KContiguous ? BK : Outer) / 4;
  static constexpr int kChunks = Outer * BK / 4 / Threads, kDown = Threads / kPerRow;
  static_assert(kChunks * Threads * 4 == Outer * BK && kDown % 4 == 0);

 public:
  static constexpr int kRowBytes = 16 * kPerRow;

  // The byte of a chunk. Rows along k are read by ldmatrix, rows along the outer dimension by
  // words: four rows, eight columns.
  __device__ __forceinline__ static int at(int row, int chunk) {
    if constexpr (KContiguous) return chunk_at<4>(row, chunk);
    return (row * kPerRow + (chunk ^ (row & 3) << 1)) * 16;
  }

  __device__ __forceinline__ WordCopies(const float* x, int stride, int outer, int k, int outers,
                                        int ks, int thread)
      : stride_(stride) {
    const int row = thread / kPerRow, chunk = thread % kPerRow;
    outers_ = outers - (KContiguous ? row : 4 * chunk);
    ks_ = ks - (KContiguous ? 4 * chunk : row);
    x_ = x + (KContiguous ? int64_t{outer + row} * stride + k : int64_t{k + row} * stride + outer) +
         4 * chunk;
    at_ = at(row, chunk);
  }
  __device__ __forceinline__ void copy(char* slice) {
    FASTNN_UNROLL
    for (int p = 0; p < kChunks; ++p) {
      const int down = p * kDown;
      const bool there = KContiguous ? down < outers_ && 0 < ks_ : 0 < outers_ && down < ks_;
      gpu::copy_async<16>(slice + at_ + down * kPerRow * 16, x_ + int64_t{down} * stride_,
                          there ? 16 : 0);
    }
    x_ += KContiguous ? BK : int64_t{BK} * stride_;
    ks_ -= BK;
  }

 private:
  const float* x_;
  int at_, outers_, ks_, stride_;
};

// Fragments of k of 8 where k is not contiguous: word by word. Lane 4 g + t has the words
// k = t + 4 h and outer = g + 8 e of 16 x 8, A's in the order 2 h + e, B's in the order 2 e + h.
template <class Copies, bool OfA>
class WordFragments {
 public:
  __device__ __forceinline__ WordFragments(int first, int lane) {
    const int k = lane % 4;
    FASTNN_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int outer = first + 8 * i + lane / 4;
      at_[i] = Copies::at(k, outer / 4) + outer % 4 * 4;
    }
  }
  __device__ __forceinline__ void load(std::uint32_t (&f)[4], const char* slice, int index,
                                       int step) const {
    FASTNN_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int h = OfA ? i / 2 : i % 2, e = OfA ? i % 2 : i / 2;
      // Places repeat every 32 words, since only the chunks of 128 bytes change places.
      const char* word = slice + at_[index % 2 * 2 + e] + index / 2 * 128;
      f[i] = *reinterpret_cast<const std::uint32_t*>(word + (8 * step + 4 * h) * Copies::kRowBytes);
    }
  }

 private:
  int at_[4];
};

template <class Copies, int Outer, int Count, bool OfA, bool KContiguous>
struct Tf32Fragments {
  using type = Fragments<Outer, Count, OfA, true>;
};
template <class Copies, int Outer, int Count, bool OfA>
struct Tf32Fragments<Copies, Outer, Count, OfA, false> {
  using type = WordFragments<Copies, OfA>;
};

__device__ __forceinline__ float float_of_word(std::uint32_t word) {
  return bits_float(static_cast<std::int32_t>(word));
}

// words -> what the tensor core multiplies. Parts 1: rounded. Parts 2: big, and small.
template <int Parts>
struct Tf32Fragment {
  std::uint32_t part[Parts][4];

  __device__ __forceinline__ void set(const std::uint32_t (&words)[4]) {
    FASTNN_UNROLL
    for (int i = 0; i < 4; ++i) {
      const float x = float_of_word(words[i]);
      if constexpr (Parts == 1) {
        part[0][i] = gpu::to_tf32(x);
      } else {
        part[0][i] = words[i] & 0xffffe000u;
        const float rest = x - float_of_word(part[0][i]);
        part[1][i] = static_cast<std::uint32_t>(float_bits(rest)) & 0xffffe000u;
      }
    }
  }
};

template <class T, Form kForm, int Parts>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks) tf32_kernel(const Product q) {
  constexpr int BM = T::BM, BN = T::BN, BK = 16;
  constexpr bool kAlongA = kForm != Form::tn, kAlongB = kForm == Form::nt;  // k is contiguous
  using CopiesA = WordCopies<BM, T::kThreads, kAlongA>;
  using CopiesB = WordCopies<BN, T::kThreads, kAlongB>;
  FASTNN_DYNAMIC_SHARED(char, shared);
  const int thread = static_cast<int>(threadIdx.x);
  const WarpPlace<T> at(thread);
  const TilePlace place =
      place_of(static_cast<int>(blockIdx.x), (q.m() + BM - 1) / BM, (q.n() + BN - 1) / BN);
  const int i0 = place.i * BM, j0 = place.j * BN;
  const int k0 = static_cast<int>(blockIdx.y) * q.chunk();
  const int k = q.k() - k0 < q.chunk() ? q.k() - k0 : q.chunk();

  CopiesA copies_a(q.a, kAlongA ? q.k() : q.m(), i0, k0, q.m() - i0, k, thread);
  CopiesB copies_b(q.b, kAlongB ? q.k() : q.n(), j0, k0, q.n() - j0, k, thread);
  const typename Tf32Fragments<CopiesA, BM, T::WM / 16, true, kAlongA>::type fragments_a(at.i,
                                                                                         at.lane);
  const typename Tf32Fragments<CopiesB, BN, T::WN / 16, false, kAlongB>::type fragments_b(at.j,
                                                                                          at.lane);
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
    for (int step = 0; step < BK / 8; ++step) {
      Tf32Fragment<Parts> fb[T::WN / 16];
      FASTNN_UNROLL
      for (int ni = 0; ni < T::WN / 16; ++ni) {
        std::uint32_t words[4];
        fragments_b.load(words, slice_b, ni, step);
        fb[ni].set(words);
      }
      FASTNN_UNROLL
      for (int mi = 0; mi < T::WM / 16; ++mi) {
        std::uint32_t words[4];
        fragments_a.load(words, slice_a, mi, step);
        Tf32Fragment<Parts> fa;
        fa.set(words);
        // The small terms first; each of a fragment's sums in turn, so that none waits for itself.
        const auto add = [&](int part_a, int part_b) {
          FASTNN_UNROLL
          for (int ni = 0; ni < T::WN / 8; ++ni) {
            const std::uint32_t* words = fb[ni / 2].part[part_b] + ni % 2 * 2;
            const std::uint32_t pair[2] = {words[0], words[1]};
            gpu::mma_tf32(sums[mi][ni], fa.part[part_a], pair);
          }
        };
        if constexpr (Parts == 2) add(1, 0), add(0, 1);
        add(0, 0);
      }
    }
    stage_to_fill = stage;
    stage = stage + T::kStage == T::kShared ? 0 : stage + T::kStage;
  }
  finish_sums<T>(q, i0, j0, reinterpret_cast<float*>(shared), at, sums);
}

}  // namespace fastnn::cuda
