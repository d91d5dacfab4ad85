// Products whose A is mostly zeros: dark pixels, one-hot rows, word counts. A zero adds nothing to
// a sum, so only the other elements are multiplied; the order of the sums stays that of the dense
// product, and so do the results (but for the sign of a zero that underflowed).
//
//   bits  one for each element of A, set where it is not zero: row i of C reads the words i
//   rule  C[i, :] += A[i, p] B[p, :] for the set bits p, in ascending order
//
// That B is finite is checked first, for 0 * infinity is not zero. Whether A has enough zeros is
// told by a sample of its rows; both are the same for every thread.
#pragma once

#include <cstdint>

#include "cpu/gemm/epilogue.h"
#include "cpu/gemm/plan.h"

namespace fastnn::FASTNN_ISA {

// A row of C is made kSkipVecs vectors at a time: as many sums as hide the latency of an addition.
// For each word of bits, 64 rows of B that wide are read again and again: 32 KiB at most.
inline constexpr int kSkipVecs = 8;
inline constexpr std::int64_t kWord = 64;
inline constexpr std::int64_t kMostBitBytes = 256 * 1024;
inline constexpr std::int64_t kSampledRows = 16;
inline constexpr double kMostNonzero = 0.3;  // beyond, the dense product is as fast

// Words of scratch: the bits of all rows of C.
FASTNN_INLINE std::int64_t skip_words(const Product& q) { return q.m * ceil_div(q.k, kWord); }

// May zeros be skipped in a product of this form, if there are any? Not if it has too many bits.
FASTNN_INLINE bool has_rows_to_skip(const Product& q, const Plan& plan) {
  return !plan.swap && !q.b.along_k && q.n >= 2 * Vec::N && q.m >= 4 && q.k >= kWord / 2;
}
FASTNN_INLINE bool may_skip_zeros(const Product& q, const Plan& plan) {
  return has_rows_to_skip(q, plan) && skip_words(q) * 8 <= kMostBitBytes;
}

// What that takes of scratch. Of a product with too many bits a half may have few enough.
FASTNN_INLINE std::int64_t skip_bytes(const Product& q, const Plan& plan) {
  return has_rows_to_skip(q, plan) ? least(skip_words(q) * 8, kMostBitBytes) : 0;
}

// One bit for each of the first n elements, at most a word of them.
FASTNN_INLINE std::uint64_t nonzero_bits(const float* x, std::int64_t n) {
  std::uint64_t zeros = 0;
  const auto look = [&](std::int64_t i, Vec lanes) {
    zeros |= static_cast<std::uint64_t>(bits(eq(lanes, Vec::zero()))) << i;
  };
  if (n >= kWord) {
    FASTNN_UNROLL
    for (std::int64_t i = 0; i < kWord; i += Vec::N) look(i, Vec::load(x + i));
  } else {
    for (std::int64_t i = 0; i < n; i += Vec::N) look(i, load_up_to(x + i, n - i));
  }
  return ~zeros & (n >= kWord ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1);
}

// From a sample of the rows of A as it lies in memory.
inline bool mostly_zeros(const Product& q) {
  const std::int64_t rows = q.a.along_k ? q.m : q.k, cols = q.a.along_k ? q.k : q.m;
  const std::int64_t sampled = least(rows, kSampledRows);
  std::int64_t nonzero = 0;
  for (std::int64_t s = 0; s < sampled; ++s) {
    const float* row = q.a.data + rows * s / sampled * q.a.stride;
    for (std::int64_t j = 0; j < cols; j += kWord) {
      nonzero += __builtin_popcountll(nonzero_bits(row + j, cols - j));
    }
  }
  return static_cast<double>(nonzero) <= kMostNonzero * static_cast<double>(sampled * cols);
}

// x * 0 is zero for every finite x, and NaN for the others.
inline bool all_finite(const Matrix& b, std::int64_t k, std::int64_t n) {
  Vec sum[4] = {Vec::zero(), Vec::zero(), Vec::zero(), Vec::zero()};
  for (std::int64_t p = 0; p < k; ++p) {
    const float* row = b.data + p * b.stride;
    std::int64_t j = 0;
    for (; j + 4 * Vec::N <= n; j += 4 * Vec::N) {
      FASTNN_UNROLL
      for (int v = 0; v < 4; ++v)
        sum[v] = fma(Vec::load(row + j + v * Vec::N), Vec::zero(), sum[v]);
    }
    for (; j < n; j += Vec::N) sum[0] = fma(load_up_to(row + j, n - j), Vec::zero(), sum[0]);
  }
  return !any(is_nan(sum[0] + sum[1] + (sum[2] + sum[3])));
}

// Turns a square of bits: bit j of word i becomes bit i of word j. In each turn the upper right and
// the lower left quarters of squares of 2 kWidth change places, for kWidth 32, 16 ... 1 (Warren,
// Hacker's Delight, 7-3).
template <int kWidth = kWord / 2>
FASTNN_INLINE void turn_bits(std::uint64_t (&a)[kWord]) {
  constexpr std::uint64_t kLower = ~std::uint64_t{0} / ((std::uint64_t{1} << kWidth) + 1);
  for (int begin = 0; begin < kWord; begin += 2 * kWidth) {
    for (int i = begin; i < begin + kWidth; ++i) {
      const std::uint64_t swap = ((a[i] >> kWidth) ^ a[i + kWidth]) & kLower;
      a[i] ^= swap << kWidth;
      a[i + kWidth] ^= swap;
    }
  }
  if constexpr (kWidth > 1) turn_bits<kWidth / 2>(a);
}

// The bits of rows `rows` of C: to[i * words + p / 64].
inline void find_nonzeros(const Product& q, Range rows, std::uint64_t* to) {
  const std::int64_t words = ceil_div(q.k, kWord);
  if (q.a.along_k) {
    for (std::int64_t i = rows.begin; i < rows.end; ++i) {
      for (std::int64_t w = 0; w < words; ++w) {
        to[i * words + w] = nonzero_bits(q.a.at(w * kWord, i), q.k - w * kWord);
      }
    }
    return;
  }
  for (std::int64_t i = rows.begin; i < rows.end; i += kWord) {
    const std::int64_t count = least(kWord, rows.end - i);
    for (std::int64_t w = 0; w < words; ++w) {
      std::uint64_t square[kWord];
      for (std::int64_t p = 0; p < kWord; ++p) {
        const std::int64_t row = w * kWord + p;
        square[p] = row < q.k ? nonzero_bits(q.a.at(row, i), count) : 0;
      }
      turn_bits(square);
      for (std::int64_t r = 0; r < count; ++r) to[(i + r) * words + w] = square[r];
    }
  }
}

// One word of bits of each of `rows` rows: c[i, NV vectors] (+)= its products. `nonzero`, `a`, `b`
// and `c` are at the first row and its first p. A is read along k or, as is a gradient's, along its
// rows; which one, and whether c is new, is decided before the loop: a row has a dozen products
// here, and whatever is asked for each of them counts.
template <int NV, bool kTail, bool kAlongK, bool kFirst>
void add_words(const std::uint64_t* nonzero, std::int64_t words, std::int64_t rows, const float* a,
               std::int64_t lda, const float* b, std::int64_t ldb, float* c, std::int64_t ldc,
               int tail) {
  const auto load = [tail](const float* from, int v) {
    return kTail && v == NV - 1 ? Vec::load(from + v * Vec::N, tail) : Vec::load(from + v * Vec::N);
  };
  for (std::int64_t i = 0; i < rows; ++i, nonzero += words, a += kAlongK ? lda : 1, c += ldc) {
    std::uint64_t word = *nonzero;
    if (!kFirst && word == 0) continue;
    Vec sum[NV];
    FASTNN_UNROLL
    for (int v = 0; v < NV; ++v) sum[v] = kFirst ? Vec::zero() : load(c, v);
    for (; word != 0; word &= word - 1) {
      const std::int64_t p = __builtin_ctzll(word);
      const Vec x = Vec::set(a[kAlongK ? p : p * lda]);
      const float* row = b + p * ldb;
      FASTNN_UNROLL
      for (int v = 0; v < NV; ++v) sum[v] = fma(x, load(row, v), sum[v]);
    }
    FASTNN_UNROLL
    for (int v = 0; v < NV; ++v) {
      if (kTail && v == NV - 1) {
        sum[v].store(c + v * Vec::N, tail);
      } else {
        sum[v].store(c + v * Vec::N);
      }
    }
  }
}

// One strip of columns [j, j + NV vectors) of the rows `rows`.
template <int NV, bool kTail, bool kAlongK>
void skip_strip(const Product& q, const std::uint64_t* nonzero, Range rows, std::int64_t j,
                int tail, float* c, const Epilogue* epilogue) {
  const std::int64_t words = ceil_div(q.k, kWord), count = rows.end - rows.begin;
  nonzero += rows.begin * words;
  c += rows.begin * q.n + j;
  for (std::int64_t w = 0; w < words; ++w) {
    const std::int64_t p = w * kWord;
    const auto add =
        w == 0 ? &add_words<NV, kTail, kAlongK, true> : &add_words<NV, kTail, kAlongK, false>;
    add(nonzero + w, words, count, q.a.at(p, rows.begin), q.a.stride, q.b.at(p, j), q.b.stride, c,
        q.n, tail);
  }
  if (epilogue) finish(*epilogue, count, (NV - 1) * Vec::N + tail, rows.begin, j, c, q.n);
}

using SkipStrip = void (*)(const Product&, const std::uint64_t*, Range, std::int64_t, int, float*,
                           const Epilogue*);

template <bool kTail, bool kAlongK, int NV = kSkipVecs>
SkipStrip find_strip(std::int64_t vecs) {
  if constexpr (NV > 1) {
    if (vecs != NV) return find_strip<kTail, kAlongK, NV - 1>(vecs);
  }
  return &skip_strip<NV, kTail, kAlongK>;
}

inline SkipStrip find_strip(bool along_k, bool has_tail, std::int64_t vecs) {
  if (along_k) return has_tail ? find_strip<true, true>(vecs) : find_strip<false, true>(vecs);
  return has_tail ? find_strip<true, false>(vecs) : find_strip<false, false>(vecs);
}

// C = A B for the rows `rows`, zeros of A skipped. False, and nothing is done, where that would not
// pay or not be right.
inline bool multiply_skipping(const Product& q, Range rows, float* c, const Epilogue* epilogue,
                              std::uint64_t* nonzero) {
  if (!mostly_zeros(q) || !all_finite(q.b, q.k, q.n)) return false;
  find_nonzeros(q, rows, nonzero);
  const Pieces strips(vectors(q.n), kSkipVecs);
  for (std::int64_t s = 0, j = 0; s < strips.count; ++s) {
    const std::int64_t width = least(strips.size(s) * Vec::N, q.n - j);
    const int tail = static_cast<int>(width - (strips.size(s) - 1) * Vec::N);
    const SkipStrip strip = find_strip(q.a.along_k, tail < Vec::N, strips.size(s));
    strip(q, nonzero, rows, j, tail, c, epilogue);
    j += width;
  }
  return true;
}

}  // namespace fastnn::FASTNN_ISA
