// bf16 products whose A is mostly zeros, by dots: `zeros.h` with pairs. A pair of zeros adds
// nothing to a sum, so only the other pairs are multiplied; the order of the dots stays that of the
// dense product, and so do the results (but for the sign of a zero that underflowed).
//
// Whether A has enough zeros is told by a sample of its rows, and that B is finite is seen once it
// is packed; both are the same for every thread.
#pragma once

#include <cstdint>

#include "cpu/gemm/finish.h"
#include "cpu/gemm/pairs.h"
#include "cpu/gemm/zeros.h"

namespace fastnn::FASTNN_ISA {

namespace base = FASTNN_BASE;

inline constexpr std::int64_t kSkipRows = 64;                        // of A, packed at a time
inline constexpr std::int64_t kMostPackedB = std::int64_t{1} << 20;  // words

// May zeros be skipped in a product of this shape, if there are any?
FASTNN_INLINE bool may_skip_pairs(const Product& q) {
  return !q.b.along_k && q.n >= 2 * Vec::N && q.m >= 4 && q.k >= kWord &&
         pairs_of(q.k) * round_up(q.n, Vec::N) <= kMostPackedB;
}

// One thread's scratch, in words: a block of A's rows, then all of B, strip after strip.
struct SkipScratch {
  std::int64_t lda, b, total;

  FASTNN_INLINE explicit SkipScratch(const Product& q) {
    lda = round_up(pairs_of(q.k), kWord) + Vec::N;
    b = least(q.m, kSkipRows) * lda;
    total = b + pairs_of(q.k) * round_up(q.n, Vec::N);
  }
};

// Are both halves of all words finite?
inline bool all_finite_pairs(const Pair* words, std::int64_t count) {
  const VecI lower = VecI::set(0x7f80), upper = VecI::set(0x7f800000);
  Mask wrong = Mask::first(0);
  for (std::int64_t i = 0; i < count; i += Vec::N) {
    const VecI word = VecI::load(words + i);
    wrong = wrong | eq(word & lower, lower) | eq(word & upper, upper);
  }
  return !any(wrong);
}

// One bit for each of kWord words, set where one of its halves is not zero.
FASTNN_INLINE std::uint64_t nonzero_pairs(const Pair* words) {
  std::uint64_t found = 0;
  FASTNN_UNROLL
  for (std::int64_t i = 0; i < kWord; i += Vec::N) {
    const VecI word = VecI::load(words + i) & VecI::set(0x7fff7fff);
    found |= static_cast<std::uint64_t>(bits(~eq(word, VecI::zero()))) << i;
  }
  return found;
}

// c[NV vectors] (+)= the dots of one word of bits; `a` and `b` are at its first pair.
template <int NV>
FASTNN_INLINE void add_dots(std::uint64_t word, const Pair* a, const Pair* b, float* c, int tail,
                            bool first) {
  constexpr int N = Vec::N;
  Vec sum[NV];
  FASTNN_UNROLL
  for (int v = 0; v < NV; ++v) {
    sum[v] = first ? Vec::zero() : load_up_to(c + v * N, v == NV - 1 ? tail : N);
  }
  for (; word != 0; word &= word - 1) {
    const std::int64_t p = __builtin_ctzll(word);
    const VecI x = VecI::set(a[p]);
    FASTNN_UNROLL
    for (int v = 0; v < NV; ++v) sum[v] = dot(x, VecI::load(b + (p * NV + v) * N), sum[v]);
  }
  FASTNN_UNROLL
  for (int v = 0; v < NV; ++v) store_up_to(sum[v], c + v * N, v == NV - 1 ? tail : N);
}

// The columns [j, j + cols) of a block of rows, whose A is packed; i is its first row.
template <int NV>
void skip_strip_of_pairs(const Product& q, const Call& call, Range rows, const Pair* a,
                         std::int64_t lda, const Pair* b, std::int64_t j, std::int64_t cols,
                         float* c) {
  const bool finishing = base::has_epilogue(call);
  const std::int64_t words = ceil_div(pairs_of(q.k), kWord);
  const int tail = static_cast<int>(cols - (NV - 1) * Vec::N);
  for (std::int64_t w = 0; w < words; ++w) {
    for (std::int64_t i = rows.begin; i < rows.end; ++i) {
      const Pair* row = a + (i - rows.begin) * lda + w * kWord;
      const std::uint64_t word = nonzero_pairs(row);
      float* to = c + i * q.n + j;
      if (word != 0 || w == 0) {
        add_dots<NV>(word, row, b + w * kWord * NV * Vec::N, to, tail, w == 0);
      }
      if (finishing && w == words - 1) base::finish_tile(call, {i, j, 1, cols}, to, q.n);
    }
  }
}

using SkipStripOfPairs = void (*)(const Product&, const Call&, Range, const Pair*, std::int64_t,
                                  const Pair*, std::int64_t, std::int64_t, float*);

template <int NV = kSkipVecs>
SkipStripOfPairs find_strip_of_pairs(std::int64_t vecs) {
  if constexpr (NV > 1) {
    if (vecs != NV) return find_strip_of_pairs<NV - 1>(vecs);
  }
  return &skip_strip_of_pairs<NV>;
}

// The rows `rows` of C, which is at c, pairs of zeros in A skipped. False, and nothing is done,
// where that would not pay or not be right.
inline bool multiply_pairs_skipping(const Product& q, const Call& call, Range rows, float* c,
                                    void* scratch) {
  if (!mostly_zeros(q)) return false;
  const SkipScratch at(q);
  Pair* a = static_cast<Pair*>(scratch);
  Pair* b = a + at.b;
  const std::int64_t pairs = pairs_of(q.k);
  const Pieces strips(vectors(q.n), kSkipVecs);
  for (std::int64_t s = 0, j = 0; s < strips.count; ++s) {
    const std::int64_t width = strips.size(s) * Vec::N;
    pack_across<1>(corner(q.b, 0, j), q.k, least(width, q.n - j), pairs, width, b + j * pairs);
    j += width;
  }
  if (!all_finite_pairs(b, pairs * round_up(q.n, Vec::N))) return false;
  for (std::int64_t i = rows.begin; i < rows.end; i += kSkipRows) {
    const std::int64_t end = least(i + kSkipRows, rows.end);
    pack_along<1>(corner(q.a, 0, i), q.k, end - i, at.lda, a);
    for (std::int64_t s = 0, j = 0; s < strips.count; ++s) {
      const std::int64_t width = strips.size(s) * Vec::N;
      find_strip_of_pairs(strips.size(s))(q, call, {i, end}, a, at.lda, b + j * pairs, j,
                                          least(width, q.n - j), c);
      j += width;
    }
  }
  return true;
}

}  // namespace fastnn::FASTNN_ISA
